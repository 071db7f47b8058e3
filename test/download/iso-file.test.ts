import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DownloadError } from '../../src/core/errors.js';
import { describeIso } from '../../src/download/iso-file.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { isoImage } from './doubles.js';
import { missingPrograms } from './real-proxies.js';

const run = promisify(execFile);
let folder: { path: string; remove: () => Promise<void> };

beforeAll(async () => {
  folder = await temporaryDirectory('iso');
});

afterAll(() => folder.remove());

/** An image made by xorriso, which makes the real ones. */
async function realImage(name: string, volumeId: string, applicationId: string): Promise<string> {
  const content = join(folder.path, 'content');
  await mkdir(content, { recursive: true });
  await writeFile(join(content, 'file'), Buffer.alloc(300_000, 'x'));
  const path = join(folder.path, name);
  const args = ['-as', 'mkisofs', '-quiet', '-V', volumeId, '-A', applicationId, '-o', path, content];
  await run('xorriso', args, { timeout: 20_000 });
  return path;
}

const describeWithXorriso = missingPrograms(['xorriso']).length === 0 ? describe : describe.skip;

describeWithXorriso('an image made by xorriso', () => {
  test.each([
    ['our own', 'b2d-v26.1.5', 'Boot2Docker tmachine-seed=1', 'v26.1.5', true],
    ['a stock one', 'b2d-v19.03.12', 'Boot2Docker', 'v19.03.12', false],
    ['an old one', 'Boot2Docker-v1.9.1', 'Boot2Docker', 'v1.9.1', false],
    ['a strange one', 'DEBIAN', '', '', false],
  ])('%s is described', async (name, volumeId, applicationId, version, oneStep) => {
    const path = await realImage(`${name}.iso`, volumeId, applicationId);
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    expect(await describeIso(path)).toEqual({ version, digest, oneStep });
  });

  test('P07: that was cut is refused', async () => {
    const path = await realImage('cut.iso', 'b2d-v26.1.5', 'Boot2Docker');
    await truncate(path, 200_000);
    await expect(describeIso(path)).rejects.toMatchObject({
      code: 'IMAGE_CUT_SHORT',
      message: `"${path}" is not a whole boot image`,
    });
  });
});

describe('what is no image', () => {
  test.each([
    ['empty', '', 'NOT_AN_IMAGE', 'is not a boot image'],
    ['garbage', 'x'.repeat(100_000), 'NOT_AN_IMAGE', 'is not a boot image'],
    ['page', '<html><title>404 Not\nFound</title>', 'WEB_PAGE', 'is a web page, not a boot image'],
  ])('is refused: %s', async (name, content, code, text) => {
    const path = join(folder.path, name);
    await writeFile(path, content);
    const refusal = describeIso(path);
    await expect(refusal).rejects.toThrow(DownloadError);
    await expect(refusal).rejects.toMatchObject({ stage: 'content', code, message: `"${path}" ${text}` });
  });

  test('is named when it is missing', async () => {
    const path = join(folder.path, 'missing.iso');
    await expect(describeIso(path)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: `There is no boot image "${path}"`,
    });
  });

  test('is named when it is a directory', async () => {
    await expect(describeIso(folder.path)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  });
});

test('reading ends with the signal', async () => {
  const path = join(folder.path, 'whole.iso');
  await writeFile(path, isoImage());
  await expect(describeIso(path, AbortSignal.abort())).rejects.toThrow('Interrupted');
});

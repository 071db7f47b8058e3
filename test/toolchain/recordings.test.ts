import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'vboxmanage');

const recordings = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .sort();

test('every recording of VBoxManage says where it comes from, and names nobody and no folder of its maker', () => {
  expect(recordings.length).toBeGreaterThan(100);
  for (const file of recordings) {
    const text = readFileSync(join(FOLDER, file), 'utf8');
    expect({ file, ...JSON.parse(text) }).toEqual({
      file,
      origin: expect.stringMatching(/^(recorded here: VirtualBox \d|quoted: https:\/\/)/),
      args: expect.any(Array),
      exitCode: text.includes('"exitCode": null') ? null : expect.any(Number),
      stdout: expect.any(String),
      stderr: expect.any(String),
    });
    const homes = [...text.matchAll(/(?:\/(?:home|Users)\/|[Cc]:\\+(?:\\\\)?Users\\+)([\w.-]+)/g)];
    for (const [, owner] of homes) expect({ file, owner }).toEqual({ file, owner: 'user' });
    expect({ file, path: /"\/(root|work|var\/tmp|opt)\//.exec(text) }).toEqual({ file, path: null });
  }
});

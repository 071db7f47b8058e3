import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { imagePackages, softwareBill } from '../../guest/lib/describe.mjs';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);
const guest = join(import.meta.dirname, '../../guest');
const SUM = 'ab'.repeat(32);

describe('packages.lock', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let lock: string;
  beforeEach(async () => {
    directory = await temporaryDirectory('packages-lock');
    lock = join(directory.path, 'packages.lock');
  });
  afterEach(() => directory.remove());

  const library = async (call: string, versions: string) =>
    (
      await run('bash', [
        '-c',
        `. "${guest}/lib/packages-lock.sh"; ${call} "$1" "$2"`,
        'bash',
        lock,
        versions,
      ])
    ).stdout;
  const versions = (docker: string, sum = SUM) =>
    `bash 5.2-1 ${SUM}\ndocker.io ${docker} ${sum}\nrunc 1.1 ${SUM}`;

  test('a mirror with the recorded packages differs in nothing', async () => {
    await library('write_lock', versions('26.1.5'));
    expect(await readFile(lock, 'utf8')).toMatch(/^#.*\nbash=5\.2-1 (ab){32}\ndocker\.io=26\.1\.5 /);
    expect(await library('lock_difference', versions('26.1.5'))).toBe('');
  });

  test('a mirror that has moved on: what was and what is now, side by side', async () => {
    await library('write_lock', versions('26.1.5'));
    const now = `${versions('1:26.1.6').replace(/^bash.*\n/, '')}\ntini 0.19 ${SUM}`;
    expect(await library('lock_difference', now)).toBe(
      ['  was bash=5.2-1', '  now docker.io=1:26.1.6', '  was docker.io=26.1.5', '  now tini=0.19', ''].join(
        '\n',
      ),
    );
  });

  test('the same version with other bytes is a difference', async () => {
    await library('write_lock', versions('26.1.5'));
    expect(await library('lock_difference', versions('26.1.5', 'cd'.repeat(32)))).toBe(
      '  was docker.io=26.1.5\n  now docker.io=26.1.5\n',
    );
  });

  test('without a lock everything is new', async () => {
    await writeFile(lock, '');
    expect(await library('lock_difference', versions('26.1.5'))).toMatch(/^ {2}now bash=5\.2-1\n/);
  });
});

describe('the software bill of the image', () => {
  /** What the build hands over: packages.lock as lines "name version sha256". */
  async function recorded() {
    const lock = await readFile(join(guest, 'packages.lock'), 'utf8');
    const lines = [...lock.matchAll(/^([^#=]+)=(\S+) (\S+)$/gm)].map(([, ...parts]) => parts.join(' '));
    const list = await readFile(join(guest, 'packages.txt'), 'utf8');
    return { list, packages: imagePackages(lines.join('\n'), list) };
  }

  test('every package of packages.txt and every boot loader is in it, with version and digest, tools are not', async () => {
    const { list, packages } = await recorded();
    const wanted = [...list.matchAll(/^([a-z0-9][a-z0-9.+-]*):/gm)].map((match) => match[1]);
    const names = packages.map(({ name }: { name: string }) => name);
    expect([...names].sort()).toEqual(
      [...new Set([...wanted, 'isolinux', 'syslinux-common', 'grub-efi-amd64-bin'])].sort(),
    );
    expect(names).not.toContain('squashfs-tools');
    for (const { version, sha256 } of packages) {
      expect(version).toMatch(/^[0-9][A-Za-z0-9.+~:-]*$/);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  test('it is a CycloneDX 1.5 document: required fields, known types, one reference each, package URLs that can be read back', async () => {
    const { packages } = await recorded();
    const bill = JSON.parse(
      JSON.stringify(
        softwareBill({ engineVersion: '26.1.5', kernelVersion: '6.12.117-1', kernelSha256: SUM, packages }),
      ),
    );
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 });
    expect(bill.metadata.component).toMatchObject({ type: 'operating-system', name: 'boot2docker' });
    expect(bill.components).toHaveLength(packages.length + 1);
    const references = bill.components.map((component: { 'bom-ref': string }) => component['bom-ref']);
    expect(new Set(references).size).toBe(references.length);
    for (const component of bill.components) {
      expect(['library', 'operating-system']).toContain(component.type);
      const [, name, version] = /^pkg:deb\/debian\/([^@]+)@([^?]+)\?/.exec(component.purl) ?? [];
      expect(decodeURIComponent(name ?? '')).toBe(component.name);
      expect(decodeURIComponent(version ?? '')).toBe(component.version);
      expect(component.hashes).toEqual([
        { alg: 'SHA-256', content: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ]);
    }
  });
});

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { bootCheck } from '../support/guest-boot.js';
import { GUEST_IMAGE } from '../support/guest-image.js';

describe('the guest image', () => {
  test('keeps what boot2docker promises: disk, accounts, commands, engine settings, boot order, trust, what lasts', () =>
    bootCheck('contract'));

  // The firmware comes with Debian's package ovmf, which qemu-system-x86 recommends.
  const uefi = existsSync('/usr/share/OVMF/OVMF_CODE_4M.fd') ? test : test.skip;
  uefi('boots from UEFI to an engine over TLS', () => bootCheck('uefi'));

  test('works on a SATA disk and an Intel card, with one old processor and 512 MB', () => bootCheck('plain'));

  test('is what manifest.json and the software bill beside it say', async () => {
    const beside = (name: string) => join(dirname(GUEST_IMAGE), name);
    const manifest = JSON.parse(await readFile(beside('manifest.json'), 'utf8'));
    for (const { file, bytes, sha256 } of manifest.images) {
      const hash = createHash('sha256');
      let length = 0;
      for await (const chunk of createReadStream(beside(file))) {
        hash.update(chunk);
        length += chunk.length;
      }
      expect({ file, bytes: length, sha256: hash.digest('hex') }).toEqual({ file, bytes, sha256 });
    }
    const bill = JSON.parse(await readFile(beside('sbom.cdx.json'), 'utf8'));
    const versions = new Map(
      bill.components.map(({ name, version }: { name: string; version: string }) => [name, version]),
    );
    for (const [name, version] of Object.entries(manifest.packages)) {
      expect([name, versions.get(name)]).toEqual([name, version]);
    }
    expect(versions.get('linux-source-6.12')).toBe(manifest.kernelVersion);
  });
});

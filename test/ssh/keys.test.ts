import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateSshKey } from '../../src/ssh/keys.js';
import { publicLine } from '../support/sshd.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const run = promisify(execFile);
const random = { bytes: (count: number) => randomBytes(count) };
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  folder = await temporaryDirectory('keys');
});

afterAll(() => folder.remove());

async function saved(privateKey: string): Promise<string> {
  const file = join(folder.path, 'key');
  await writeFile(file, privateKey, { mode: 0o600 });
  return file;
}

describe('new SSH keys', () => {
  test.each([
    ['ed25519', 'OPENSSH PRIVATE KEY', 'ssh-ed25519', '256 SHA256:'],
    ['rsa', 'RSA PRIVATE KEY', 'ssh-rsa', '2048 SHA256:'],
  ] as const)(
    '%s: OpenSSH reads the private key and finds the same public one',
    async (type, header, name, described) => {
      const pair = await generateSshKey(type, random);
      expect(pair.privateKey).toMatch(
        new RegExp(`^-----BEGIN ${header}-----\\n([A-Za-z0-9+/=]{1,70}\\n)+-----END ${header}-----\\n$`),
      );
      expect(pair.publicKey).toMatch(new RegExp(`^${name} [A-Za-z0-9+/]+={0,2}\\n$`));
      const file = await saved(pair.privateKey);
      expect(await publicLine(file)).toBe(pair.publicKey.trim());
      const { stdout } = await run('ssh-keygen', ['-l', '-f', file]);
      expect(stdout).toContain(described);
    },
  );

  test('every one of many is read: lengths that change with the random bits are right', async () => {
    for (let count = 0; count < 20; count += 1) {
      const { privateKey, publicKey } = await generateSshKey('ed25519', random);
      expect(await publicLine(await saved(privateKey))).toBe(publicKey.trim());
    }
  });

  test('two keys differ', async () => {
    const [one, other] = await Promise.all([
      generateSshKey('ed25519', random),
      generateSshKey('ed25519', random),
    ]);
    expect(one.publicKey).not.toBe(other.publicKey);
  });
});

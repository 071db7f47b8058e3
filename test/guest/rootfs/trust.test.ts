import { lstat, mkdir, readlink, symlink } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type GuestRoot, guestRoot, HAS_BUSYBOX } from './guest-root.js';

const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
const SHIPPED = '/usr/share/ca-certificates/mozilla.crt';
const CERTS = 'var/lib/boot2docker/certs';
const describeWithBusybox = HAS_BUSYBOX ? describe : describe.skip;

describeWithBusybox('the authorities that the guest trusts (P03)', () => {
  let root: GuestRoot;
  beforeEach(async () => {
    root = await guestRoot();
    await root.write(SHIPPED, 'DEBIAN\n');
    await mkdir(root.at('etc/ssl/certs'), { recursive: true });
    await symlink(SHIPPED, root.at(BUNDLE));
  });
  afterEach(() => root.remove());
  const update = () => root.run('usr/sbin/update-ca-certificates', []);

  test("P03: a company's authorities are added to Debian's, whatever ends their files", async () => {
    await root.write(`${CERTS}/a.pem`, 'COMPANY A');
    await root.write(`${CERTS}/b.crt`, 'COMPANY B\r\n');
    await root.write('usr/local/share/ca-certificates/c.crt', 'LOCAL\n');
    await root.write(`${CERTS}/readme.txt`, 'no certificate');
    await root.write(`${CERTS}/empty.pem`, '');
    expect(await update()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await root.read(BUNDLE)).split('\n').filter((line) => line !== '')).toEqual([
      'DEBIAN',
      'LOCAL',
      'COMPANY A',
      'COMPANY B',
    ]);
    expect((await lstat(root.at(BUNDLE))).mode & 0o777).toBe(0o644);
  });

  test("with none of one's own it is Debian's list, again when the last one went", async () => {
    await update();
    expect(await readlink(root.at(BUNDLE))).toBe(SHIPPED);
    await root.write(`${CERTS}/a.pem`, 'COMPANY A');
    await update();
    expect((await lstat(root.at(BUNDLE))).isSymbolicLink()).toBe(false);
    await root.shell([], `rm ${root.at(CERTS)}/a.pem`);
    await update();
    expect(await readlink(root.at(BUNDLE))).toBe(SHIPPED);
  });
});

describeWithBusybox('mount -t vboxsf', () => {
  let root: GuestRoot;
  beforeEach(async () => {
    root = await guestRoot();
    await root.program('usr/bin/mount', 'printf "%s|" "$@"');
  });
  afterEach(() => root.remove());

  test.each([
    [
      "boot2docker's words",
      ['-o', 'defaults,iocharset=utf8,uid=1000,gid=100'],
      '-o|nls=utf8,uid=1000,gid=100|',
    ],
    ["the kernel's words", ['-o', 'nls=utf8,uid=1000'], '-o|nls=utf8,uid=1000|'],
    ['options in one word', ['-orw,iocharset=utf8'], '-o|rw,nls=utf8|'],
    ['the defaults alone', ['-o', 'defaults'], ''],
    ['no options', [], ''],
  ])('takes %s', async (_what, options, seen) => {
    const { stdout } = await root.run('usr/sbin/mount.vboxsf', ['hosthome', '/hosthome', ...options]);
    expect(stdout).toBe(`-i|-t|vboxsf|${seen}hosthome|/hosthome|`);
  });

  test('takes names with spaces and quotes', async () => {
    const { stdout } = await root.run('usr/sbin/mount.vboxsf', ["it's mine", '/a b', '-o', 'rw']);
    expect(stdout).toBe("-i|-t|vboxsf|-o|rw|it's mine|/a b|");
  });
});

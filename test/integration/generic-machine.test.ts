import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tmachineIn } from '../support/cli.js';
import { type Sshd, startSshd } from '../support/sshd.js';

/** A host of the driver `generic` that is this computer itself, through a real sshd: one that is not a boot2docker. */
describe('a host that we only log into', () => {
  let store: string;
  let sshd: Sshd;
  let tmachine: ReturnType<typeof tmachineIn>;
  let key: string;

  beforeAll(async () => {
    store = await mkdtemp(join(tmpdir(), 'tm-generic-'));
    tmachine = tmachineIn(store);
    key = join(store, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    sshd = await startSshd({ authorizedKeys: [await readFile(`${key}.pub`, 'utf8')] });
  });

  afterAll(async () => {
    await sshd.close();
    await rm(store, { recursive: true, force: true });
  });

  const create = () =>
    tmachine([
      'create',
      ...['-d', 'generic', '--generic-ip-address', '127.0.0.1', '--generic-ssh-port', String(sshd.port)],
      ...['--generic-ssh-user', userInfo().username, '--generic-ssh-key', key, 'far'],
    ]);

  test('a system that we cannot provision is named, and the machine can be gone on with or removed', async () => {
    const { status, stdout, stderr } = await create();
    expect(status).toBe(1);
    expect(stdout).toContain('Detecting the provisioner...');
    expect(stderr).toMatch(/^Error creating machine: Error in driver during machine creation: /);
    expect(stderr).toContain('boot2docker');
    expect(stderr).toContain('tmachine rm far');
    expect(stderr).not.toContain('    at ');
  });

  test('ssh passes the exit code of the remote command, and its output on the right streams', async () => {
    const first = await tmachine(['ssh', 'far', 'true']);
    expect(first.stderr).toMatch(
      /^The host key of "far" was not known and is trusted from now on: ssh-ed25519 \S+\n$/,
    );
    const outcome = await tmachine(['ssh', 'far', 'echo out; echo err >&2; exit 42']);
    expect(outcome).toMatchObject({ status: 42, stdout: 'out\n', stderr: 'err\n' });
  });

  test('P23: a key file that others can read, or that is not there, is refused by ssh with its path', async () => {
    const own = join(store, 'machines', 'far', 'key');
    await chmod(own, 0o644);
    const open = await tmachine(['ssh', 'far', 'true']);
    expect(open.status).not.toBe(0);
    expect(open.stderr).toContain(own);
    expect(open.stderr).toContain('too open');
    await rm(own);
    const missing = await tmachine(['ssh', 'far', 'true']);
    expect(missing.status).not.toBe(0);
    expect(missing.stderr).toContain(`'${own}' is not readable`);
  });
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../src/certs/authority.js';
import { openHost } from '../../src/host/open-host.js';
import { type Listener, startEngine } from '../support/tls-faults.js';
import { type WindowsPlace, windowsPlace } from '../support/windows-lab.js';

/** A user name as it hurts: a space, an apostrophe, letters outside of every old code page. */
const USER = "Käyttäjä O'Neil Ж";

/** The store is the default one, below the profile of this user; its machine is an engine on loopback. */
describe(`P11: shells on Windows, for the user ${USER}`, () => {
  let place: WindowsPlace;
  let engine: Listener | undefined;
  let env: Record<string, string>;
  let certPath: string;
  let dockerHost: string;

  beforeEach(async () => {
    place = await windowsPlace();
    const profile = await place.write(`Users/${USER}`);
    env = { USERPROFILE: profile, HTTP_PROXY: 'http://proxy.corp:8080' };
    certPath = `${profile}\\.docker\\machine\\machines\\dev`;
    // The authority is made first, so that the engine can have a certificate of it.
    const make = (port: number, name: string) =>
      place.tmachine(['create', '-d', 'none', '--url', `tcp://127.0.0.1:${port}`, name], { env });
    expect((await make(1, 'first')).status).toBe(0);
    const read = (file: string) =>
      readFile(join(place.path, 'Users', USER, '.docker', 'machine', 'certs', file), 'utf8');
    const authority = { certificate: await read('ca.pem'), key: await read('ca-key.pem') };
    const { clock, random } = openHost();
    const server = await createCertificateAuthority({ clock, random }).issueServer(authority, {
      organization: 'test',
      names: ['127.0.0.1'],
      alsoClient: false,
    });
    engine = await startEngine(server, authority.certificate);
    dockerHost = `tcp://127.0.0.1:${engine.port}`;
    expect((await make(engine.port, 'dev')).status).toBe(0);
  });

  afterEach(async () => {
    await engine?.close();
    await place.remove();
  });

  const PROGRAM = 'node.exe tmachine\\bin\\run.cjs';
  const SHOW = `node.exe -p "JSON.stringify(['DOCKER_TLS_VERIFY','DOCKER_HOST','DOCKER_CERT_PATH','DOCKER_MACHINE_NAME','NO_PROXY','COMPOSE_CONVERT_WINDOWS_PATHS'].map(n => process.env[n]))"`;
  const withNode = () => ({ ...env, PATH: 'Z:\\lab\\node\\bin;C:\\windows\\system32' });

  test('the lines of `env --shell cmd`, evaluated by cmd.exe as their hint says', async () => {
    const batch = [
      '@echo off',
      `FOR /f "tokens=*" %%i IN ('${PROGRAM} env --shell cmd dev') DO %%i`,
      SHOW,
      `FOR /f "tokens=*" %%i IN ('${PROGRAM} env --shell cmd -u') DO %%i`,
      SHOW,
    ];
    await place.write('evaluate.cmd', batch.map((line) => `${line}\r\n`).join(''));
    const { stdout, stderr } = await place.run('cmd.exe', ['/d', '/c', 'evaluate.cmd'], { env: withNode() });
    expect(stderr).toBe('');
    expect(
      stdout
        .trim()
        .split(/\r?\n/)
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      ['1', dockerHost, certPath, 'dev', '127.0.0.1', 'true'],
      [null, null, null, null, null, null],
    ]);
  });

  test('quickstart runs a command with the environment and passes its exit code on', async () => {
    const script = 'console.log(process.env.DOCKER_CERT_PATH); process.exit(7)';
    const { status, stdout } = await place.tmachine(['quickstart', 'dev', '--', 'node', '-e', script], {
      env: withNode(),
    });
    expect(status).toBe(7);
    expect(stdout).toContain('\ndocker is configured to use the dev machine with IP 127.0.0.1\n');
    expect(stdout).toMatch(/\nStart shell with command\n/);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(certPath);
  });

  test('quickstart opens cmd.exe, where nothing tells of another shell, with the environment', async () => {
    const { status, stdout } = await place.tmachine(['quickstart', 'dev'], {
      env: withNode(),
      input: 'echo [%DOCKER_HOST%] [%NO_PROXY%]& exit 5\r\n',
    });
    expect(stdout).toContain(`>[${dockerHost}] [127.0.0.1]`);
    expect(stdout).toMatch(/\nStart interactive shell\n/);
    expect(status).toBe(5);
  });

  test('doctor says what stands in the way of create, with the paths as they are', async () => {
    const { status, stdout } = await place.tmachine(['doctor'], { env });
    expect(status).toBe(3);
    expect(stdout).toMatch(/ {2}(problem|note {3}) {2}qemu: QEMU not found/);
    expect(stdout).toContain(`  ok       ${env['USERPROFILE']}\\.docker\\machine can be written\n`);
    expect(stdout).toMatch(/ {2}ok {7}dev \(none\): Running/);
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { forEachMachine } from '../../../src/core/actions/bulk.js';
import { renewAuthority } from '../../../src/core/actions/certificates.js';
import { createMachine } from '../../../src/core/actions/create.js';
import { killMachine, restartMachine, startMachine, stopMachine } from '../../../src/core/actions/power.js';
import { removeMachine } from '../../../src/core/actions/remove.js';
import { provisionMachine } from '../../../src/core/actions/reprovision.js';
import { HostNotReadyError, TmachineError } from '../../../src/core/errors.js';
import { type TestApp, testApp } from '../../support/test-app.js';

const DAY_MS = 86_400_000;

describe('life cycle', () => {
  let world: TestApp;
  const paths = (name = 'dev') => world.app.store.layout.machine(name);

  beforeEach(async () => {
    world = await testApp({ oneStep: false });
    await createMachine(world.app, world.request('dev'), world.call);
    world.lines.length = 0;
  });

  afterEach(() => world.remove());

  test('stop, then start: the lines of docker-machine', async () => {
    await stopMachine(world.app, 'dev', world.call);
    await startMachine(world.app, 'dev', world.call);
    expect(world.lines).toEqual([
      'Stopping "dev"...',
      'Machine "dev" was stopped.',
      'Starting "dev"...',
      '(dev) Waiting for an IP...',
      'Machine "dev" was started.',
      'Waiting for SSH to be available...',
      'Detecting the provisioner...',
    ]);
  });

  test('advice of a driver, which says NAME, names the machine, so that it can be pasted', async () => {
    const nextSteps = ['go on where it was:  tmachine start NAME', 'or MYNAME'];
    world.driver.stop = async () => {
      throw new HostNotReadyError({ code: 'X', message: 'no', reason: 'why', nextSteps });
    };
    const error = await stopMachine(world.app, 'dev', world.call).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HostNotReadyError);
    expect(error).toMatchObject({
      ...{ code: 'X', message: 'no', reason: 'why', exitCode: 3 },
      nextSteps: ['go on where it was:  tmachine start dev', 'or MYNAME'],
    });
  });

  test('what is already so is a notice, not a failure', async () => {
    await startMachine(world.app, 'dev', world.call);
    await killMachine(world.app, 'dev', world.call);
    await killMachine(world.app, 'dev', world.call);
    await stopMachine(world.app, 'dev', world.call);
    expect(world.lines).toEqual([
      'Machine "dev" is already running.',
      'Killing "dev"...',
      'Machine "dev" was killed.',
      'Machine "dev" is already stopped.',
      'Machine "dev" is already stopped.',
    ]);
  });

  test('P24: a guest that was made anew is refused, until provision --accept-new-host-key takes its key and says so', async () => {
    world.guest.hostKey = 'ssh-ed25519 another';
    const again = (accept: boolean) =>
      provisionMachine(world.app, 'dev', world.call, { acceptNewHostKey: accept });
    await expect(again(false)).rejects.toMatchObject({ code: 'SSH_HOST_KEY_CHANGED' });
    await again(true);
    expect(world.warnings).toEqual(['The new host key of "dev" is trusted from now on: ssh-ed25519 another']);
    expect((await world.app.store.load('dev')).notes.hostKey).toBe('ssh-ed25519 another');
    await again(true);
    expect(world.warnings).toHaveLength(1);
  });

  test('restart stops a running machine first, and only starts a stopped one', async () => {
    world.driver.calls.length = 0;
    await restartMachine(world.app, 'dev', world.call);
    await stopMachine(world.app, 'dev', world.call);
    await restartMachine(world.app, 'dev', world.call);
    expect(world.driver.calls.filter((call) => /^(start|stop) /.test(call))).toEqual([
      'stop dev',
      'start dev',
      'stop dev',
      'start dev',
    ]);
  });

  test('P19: an authority that has ended is said before anything is touched, with the command that renews it', async () => {
    await stopMachine(world.app, 'dev', world.call);
    world.clock.jump(1081 * DAY_MS);
    const commands = world.guest.commands.length;
    await expect(startMachine(world.app, 'dev', world.call)).rejects.toMatchObject({
      code: 'CA_EXPIRED',
      nextSteps: [expect.stringContaining('regenerate-certs --client-certs dev')],
    });
    expect(world.guest.commands).toHaveLength(commands);
  });

  test('P19: after the authority was renewed, start gives the machine certificates of the new one', async () => {
    const before = readFileSync(paths().serverCert, 'utf8');
    await stopMachine(world.app, 'dev', world.call);
    await renewAuthority(world.app, ['dev'], world.call);
    await startMachine(world.app, 'dev', world.call);
    expect(readFileSync(paths().serverCert, 'utf8')).not.toBe(before);
    expect(world.guest.files.get('/var/lib/boot2docker/server.pem')?.content).toBe(
      readFileSync(paths().serverCert, 'utf8'),
    );
    const authority = readFileSync(paths().caCert, 'utf8');
    expect(world.app.certificates.isIssuedBy(readFileSync(paths().serverCert, 'utf8'), authority)).toBe(true);
    expect(world.app.certificates.isIssuedBy(readFileSync(paths().clientCert, 'utf8'), authority)).toBe(true);
  });

  test('P20: a certificate for another address is issued again at start, a good one is not', async () => {
    const first = readFileSync(paths().serverCert, 'utf8');
    await restartMachine(world.app, 'dev', world.call);
    expect(readFileSync(paths().serverCert, 'utf8')).toBe(first);
    world.driver.endpoint = (machine) => ({
      address: { kind: 'known', host: '192.168.99.101' },
      enginePort: 2376,
      guestEnginePort: 2376,
      ssh: { host: '127.0.0.1', port: 22, user: 'docker', keyPath: `${machine.directory}/id_rsa` },
    });
    await restartMachine(world.app, 'dev', world.call);
    const { names } = world.app.certificates.describe(readFileSync(paths().serverCert, 'utf8'));
    expect(names).toContain('192.168.99.101');
  });

  test('a VM deleted behind our back: start says so, and rm succeeds', async () => {
    world.driver.deleteVm(paths().directory);
    await expect(startMachine(world.app, 'dev', world.call)).rejects.toMatchObject({
      message: 'machine does not exist',
      nextSteps: [expect.stringContaining('tmachine rm dev')],
    });
    await removeMachine(world.app, 'dev', { force: false }, world.call);
    expect(existsSync(paths().directory)).toBe(false);
  });

  test('rm keeps the record when the VM resists; -f drops it and says what failed', async () => {
    const error = new TmachineError({ code: 'STUCK', message: 'it is stuck' });
    world.driver.failNext('remove', error);
    await expect(removeMachine(world.app, 'dev', { force: false }, world.call)).rejects.toMatchObject({
      message: 'Error removing host "dev": it is stuck',
      nextSteps: [expect.stringContaining('rm -f dev')],
    });
    expect(existsSync(paths().config)).toBe(true);
    world.driver.failNext('remove', error);
    await removeMachine(world.app, 'dev', { force: true }, world.call);
    expect(existsSync(paths().directory)).toBe(false);
    expect(world.warnings).toEqual(['Error removing host "dev": it is stuck']);
  });

  test('one failure among several machines does not undo what succeeded', async () => {
    await createMachine(world.app, world.request('other'), world.newCall().call);
    world.driver.failNext('stop', new TmachineError({ code: 'STUCK', message: 'it is stuck' }));
    const attempt = forEachMachine(world.app, ['dev', 'other'], ({ name }) =>
      stopMachine(world.app, name, world.call),
    );
    await expect(attempt).rejects.toMatchObject({ message: 'it is stuck' });
    expect(world.lines.filter((line) => line.endsWith('was stopped.'))).toHaveLength(1);
  });

  test('when one of several machines cannot be loaded, nothing is done to any', async () => {
    world.driver.calls.length = 0;
    const attempt = forEachMachine(world.app, ['dev', 'nope'], ({ name }) =>
      stopMachine(world.app, name, world.call),
    );
    await expect(attempt).rejects.toThrow('Docker machine "nope" does not exist');
    expect(world.driver.calls).toEqual([]);
  });

  test('a machine that was never finished is not started, and the ways on are named', async () => {
    world.driver.failNext('start', new TmachineError({ code: 'BROKE', message: 'it broke' }));
    await createMachine(world.app, world.request('half'), world.newCall().call).catch(() => undefined);
    await expect(startMachine(world.app, 'half', world.call)).rejects.toMatchObject({
      code: 'MACHINE_HALF_MADE',
      nextSteps: [expect.stringContaining('create'), expect.stringContaining('tmachine rm half')],
    });
  });
});

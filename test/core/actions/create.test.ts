import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMachine } from '../../../src/core/actions/create.js';
import { restartMachine } from '../../../src/core/actions/power.js';
import { removeMachine } from '../../../src/core/actions/remove.js';
import { HostNotReadyError, InterruptedError, TmachineError } from '../../../src/core/errors.js';
import { type TestApp, testApp } from '../../support/test-app.js';

let world: TestApp;
const paths = (name = 'dev') => world.app.store.layout.machine(name);

describe('create, with an image that takes a seed', () => {
  beforeEach(async () => {
    world = await testApp();
    // The guest applies the seed: its server certificate is the one in the store, its host key the one on the disk.
    const { connect } = world.guest;
    world.guest.connect = async (target, options) => {
      world.guest.files.set('/var/lib/boot2docker/server.pem', {
        content: readFileSync(paths().serverCert, 'utf8'),
        mode: '644',
      });
      world.guest.hostKey = options.hostKey ?? world.guest.hostKey;
      return connect.call(world.guest, target, options);
    };
  });

  afterEach(() => world.remove());

  test('P19: an authority that has ended is made anew, and the machines that still have the old one are named', async () => {
    await createMachine(world.app, world.request('dev'), world.call);
    world.clock.advance(1081 * 86_400_000);
    await createMachine(world.app, world.request('next'), world.call);
    expect(world.lines).toContain('CA certificate is outdated and needs to be regenerated');
    expect(world.warnings).toEqual([
      'Other machines refuse the new client certificate until you run: tmachine regenerate-certs dev',
    ]);
  });

  test('a disk that brings its own SSH key has no line about making one', async () => {
    Object.assign(world.driver, { bringsSshKey: () => true });
    await createMachine(world.app, world.request('dev'), world.call);
    expect(world.lines).toContain('(dev) Creating fake VM...');
    expect(world.lines).not.toContain('(dev) Creating SSH key...');
  });

  test('prints the lines of docker-machine in their order and leaves a complete machine', async () => {
    await createMachine(world.app, world.request('dev'), world.call);
    const { certs } = world.app.store.layout;
    expect(world.lines).toEqual([
      `Creating CA: ${certs}/ca.pem`,
      `Creating client certificate: ${certs}/cert.pem`,
      'Running pre-create checks...',
      'Creating machine...',
      `(dev) Copying ${world.image.path} to ${paths().image}...`,
      '(dev) Creating fake VM...',
      '(dev) Creating SSH key...',
      '(dev) Starting the VM...',
      '(dev) Waiting for an IP...',
      'Waiting for machine to be running, this may take a few minutes...',
      'Detecting operating system of created instance...',
      'Waiting for SSH to be available...',
      'Detecting the provisioner...',
      'Provisioning with boot2docker...',
      'Copying certs to the local machine directory...',
      'Copying certs to the remote machine...',
      'Setting Docker configuration on the remote daemon...',
      'Checking connection to Docker...',
      'Docker is up and running!',
      'To see how to connect your Docker Client to the Docker Engine running on this virtual machine, run: tmachine env dev',
    ]);
    const record = await world.app.store.load('dev');
    expect(record.notes.journal).toEqual(['recorded', 'created', 'started', 'provisioned', 'complete']);
    expect(record.notes.hostKey).toMatch(/^ssh-ed25519 \S+$/);
    for (const file of [
      paths().caCert,
      paths().clientCert,
      paths().clientKey,
      paths().serverCert,
      paths().sshKey,
    ]) {
      expect(existsSync(file)).toBe(true);
    }
  });

  test('P17: the server certificate on the disk names the address, loopback and the machine', async () => {
    await createMachine(world.app, world.request('dev'), world.call);
    const { names } = world.app.certificates.describe(readFileSync(paths().serverCert, 'utf8'));
    expect([...names].sort()).toEqual(['127.0.0.1', '::1', 'dev', 'localhost'].sort());
    const head = Buffer.from(world.driver.diskOf(paths().directory)?.head ?? []);
    expect(head.includes('tmachine-seed-1')).toBe(true);
    expect(head.includes(readFileSync(paths().serverCert))).toBe(true);
  });

  test('nothing is written in the guest: the seed was enough', async () => {
    await createMachine(world.app, world.request('dev'), world.call);
    expect(world.guest.commands).toEqual(['cat /etc/os-release', 'sudo cat /var/lib/boot2docker/server.pem']);
  });

  test('a host that is not ready is refused with exit 3 before anything exists', async () => {
    const finding = {
      severity: 'refuse' as const,
      code: 'NO_HYPERVISOR',
      message: 'hypervisor "x" not found',
      nextSteps: ['install it'],
    };
    world.driver.precheck = async () => [finding];
    const attempt = createMachine(world.app, world.request('dev'), world.call);
    await expect(attempt).rejects.toThrow(HostNotReadyError);
    await expect(attempt).rejects.toMatchObject({
      message: 'Error with pre-create check: "hypervisor \\"x\\" not found"',
      exitCode: 3,
      nextSteps: ['install it'],
    });
    expect(world.lines).toEqual(['Running pre-create checks...']);
    expect(existsSync(world.app.store.layout.certs)).toBe(false);
    expect(existsSync(paths().directory)).toBe(false);
  });

  test.each(['create', 'start', 'state'] as const)(
    'P28: after a failure in the driver\'s "%s" an equal create goes on, and does no finished step again',
    async (step) => {
      world.driver.failNext(
        step,
        new TmachineError({ code: 'BROKE', message: 'it broke', reason: 'because' }),
      );
      const failed = createMachine(world.app, world.request('dev'), world.call);
      await expect(failed).rejects.toMatchObject({
        message: 'Error creating machine: Error in driver during machine creation: it broke',
        reason: 'because',
        exitCode: 1,
        nextSteps: [expect.stringContaining('same command again')],
      });
      const again = world.newCall();
      await createMachine(world.app, world.request('dev'), again.call);
      expect(again.lines).toContainEqual(
        expect.stringMatching(/^\(dev\) Going on with a creation that did not end/),
      );
      expect(again.lines.filter((line) => line.startsWith('Creating CA'))).toEqual([]);
      expect((await world.app.store.load('dev')).notes.journal).toContain('complete');
      const creates = world.driver.calls.filter((call) => call === 'create dev');
      expect(creates).toHaveLength(step === 'create' ? 2 : 1);
    },
  );

  test('P28: other flags than the first time are refused, and the difference is named', async () => {
    world.driver.failNext('start', new TmachineError({ code: 'BROKE', message: 'it broke' }));
    await createMachine(world.app, world.request('dev'), world.call).catch(() => undefined);
    await expect(
      createMachine(world.app, world.request('dev', { 'fake-memory': 2048 }), world.call),
    ).rejects.toMatchObject({
      message: 'Docker machine "dev" already exists',
      reason: expect.stringContaining('fake-memory was not given'),
    });
  });

  test('P28: begun anew after `set`, when the record alone says what it is to be, it goes on', async () => {
    world.driver.failNext('start', new TmachineError({ code: 'BROKE', message: 'it broke' }));
    await createMachine(world.app, world.request('dev'), world.call).catch(() => undefined);
    const record = await world.app.store.load('dev');
    await world.app.store.save({ ...record, notes: { ...record.notes, request: undefined } });
    await createMachine(world.app, world.request('dev', { 'fake-memory': 2048 }), world.newCall().call);
    expect((await world.app.store.load('dev')).notes.journal).toContain('complete');
  });

  test('P28: a machine whose VM was deleted before the creation ended is made anew', async () => {
    world.driver.failNext('start', new TmachineError({ code: 'BROKE', message: 'it broke' }));
    await createMachine(world.app, world.request('dev'), world.call).catch(() => undefined);
    world.driver.deleteVm(paths().directory);
    await createMachine(world.app, world.request('dev'), world.newCall().call);
    expect(world.driver.calls.filter((call) => call === 'create dev')).toHaveLength(2);
  });

  test('a complete machine of that name is left alone', async () => {
    await createMachine(world.app, world.request('dev'), world.call);
    const before = readFileSync(paths().config, 'utf8');
    await expect(createMachine(world.app, world.request('dev'), world.call)).rejects.toMatchObject({
      message: 'Docker machine "dev" already exists',
      exitCode: 1,
    });
    expect(readFileSync(paths().config, 'utf8')).toBe(before);
  });

  test('Ctrl-C while the machine starts: exit 130, the ways on are named, and rm removes it', async () => {
    const held = world.driver.holdNext('start');
    const attempt = createMachine(world.app, world.request('dev'), world.call);
    await held.reached;
    world.interrupt.abort(new InterruptedError());
    await expect(attempt).rejects.toMatchObject({
      exitCode: 130,
      nextSteps: [expect.stringContaining('tmachine rm dev')],
    });
    await removeMachine(world.app, 'dev', { force: false }, world.newCall().call);
    expect(existsSync(paths().directory)).toBe(false);
    expect(world.driver.calls).toContain('remove dev');
  });

  test('P18: an engine that never answers ends with what was seen last and the tail of the console', async () => {
    world.guest.engineAnswers = [{ ok: false, fault: 'port-closed', detail: 'connection refused' }];
    world.driver.consoleTail = async () => 'Kernel panic - not syncing';
    await expect(createMachine(world.app, world.request('dev'), world.call)).rejects.toMatchObject({
      message: expect.stringMatching(/Timed out after \d+ s waiting for the Docker engine on 127\.0\.0\.1/),
      reason: expect.stringContaining('Kernel panic'),
      nextSteps: expect.arrayContaining([expect.stringContaining('Kernel panic')]),
    });
  });

  test('P21: a certificate fault is not waited out', async () => {
    world.guest.engineAnswers = [{ ok: false, fault: 'unknown-authority', detail: 'unknown authority' }];
    await expect(createMachine(world.app, world.request('dev'), world.call)).rejects.toMatchObject({
      code: 'ENGINE_UNKNOWN_AUTHORITY',
    });
    expect(world.guest.asked).toHaveLength(1);
  });

  test('a lost tmachine.json loses no machine: create says that the name is taken', async () => {
    await createMachine(world.app, world.request('dev'), world.call);
    rmSync(paths().notes);
    await expect(createMachine(world.app, world.request('dev'), world.call)).rejects.toMatchObject({
      message: 'Docker machine "dev" already exists',
    });
  });
});

describe('create, with an image of stock boot2docker', () => {
  beforeEach(async () => {
    world = await testApp({ oneStep: false });
  });

  afterEach(() => world.remove());

  test('certificates and settings are written over SSH, the key for root alone', async () => {
    await createMachine(world.app, world.request('dev'), world.call);
    const written = [...world.guest.files].map(([path, { mode }]) => `${mode} ${path}`);
    expect(written).toEqual([
      '644 /var/lib/boot2docker/ca.pem',
      '644 /var/lib/boot2docker/server.pem',
      '600 /var/lib/boot2docker/server-key.pem',
      '600 /var/lib/boot2docker/profile',
    ]);
    expect(world.guest.files.get('/var/lib/boot2docker/server.pem')?.content).toBe(
      readFileSync(paths().serverCert, 'utf8'),
    );
    expect(Buffer.from(world.driver.diskOf(paths().directory)?.head ?? []).includes('tmachine-seed-1')).toBe(
      false,
    );
  });

  test('P24: the host key of the first contact is pinned, and another one is refused', async () => {
    await createMachine(world.app, world.request('dev'), world.call);
    const record = await world.app.store.load('dev');
    expect(record.notes.hostKey).toBe(world.guest.hostKey);
    world.guest.hostKey = 'ssh-ed25519 another';
    await expect(restartMachine(world.app, 'dev', world.newCall().call)).rejects.toMatchObject({
      code: 'SSH_HOST_KEY_CHANGED',
    });
  });

  test('P28: a creation that was cut off while its engine was stopped goes on without waiting for its first start', async () => {
    const { connect } = world.guest;
    world.guest.connect = async (target, options) => {
      const session = await connect.call(world.guest, target, options);
      return {
        ...session,
        run: async (script, args, runOptions) => {
          if (args?.[0]?.endsWith('/profile'))
            throw new TmachineError({ code: 'CUT', message: 'connection lost' });
          return session.run(script, args, runOptions);
        },
      };
    };
    await expect(createMachine(world.app, world.request('dev'), world.call)).rejects.toThrow(
      'connection lost',
    );
    const wait = world.guest.scripts.find((script) => script.includes('netstat')) ?? '';
    expect(wait.trimEnd().split('\n').at(-1)).toMatch(/^sudo touch (\S+)$/);
    expect(wait).toContain(`[ -e ${/sudo touch (\S+)/.exec(wait)?.[1]} ] && exit 0`);
    world.guest.connect = connect;
    await createMachine(world.app, world.request('dev'), world.newCall().call);
    expect((await world.app.store.load('dev')).notes.journal).toContain('complete');
  });

  test('P28: the image is not looked for again once the machine has its copy', async () => {
    world.driver.failNext('start', new TmachineError({ code: 'BROKE', message: 'it broke' }));
    await createMachine(world.app, world.request('dev'), world.call).catch(() => undefined);
    world.app.images.locate = async () => {
      throw new TmachineError({ code: 'GONE', message: 'the image is gone' });
    };
    await createMachine(world.app, world.request('dev'), world.newCall().call);
    expect((await world.app.store.load('dev')).notes.journal).toContain('complete');
  });

  test('a guest of another system is named', async () => {
    world.guest.osRelease = 'ID=plan9\nPRETTY_NAME="Plan 9"\n';
    await expect(createMachine(world.app, world.request('dev'), world.call)).rejects.toMatchObject({
      code: 'OS_NOT_RECOGNIZED',
      reason: 'the guest calls itself "Plan 9" (ID=plan9)',
    });
  });
});

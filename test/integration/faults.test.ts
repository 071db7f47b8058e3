import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PROGRAM, runProgram, tmachineIn } from '../support/cli.js';
import { noSmallDisk, smallDisk } from '../support/small-disk.js';

/** The built program on a store of its own; machines of the driver `none` need no hypervisor. */
describe('bad input and faults', () => {
  let store: string;
  let tmachine: ReturnType<typeof tmachineIn>;
  const none = ['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1'];

  beforeEach(async () => {
    store = await mkdtemp(join(tmpdir(), 'tm-faults-'));
    tmachine = tmachineIn(store);
  });

  afterEach(() => rm(store, { recursive: true, force: true }));

  test.each([
    {
      args: ['create', '-d', 'none', '--url', 'tcp://h:1', 'a_b'],
      status: 2,
      first: 'Error creating machine: Invalid hostname specified. Allowed hostname chars are: 0-9a-zA-Z . -',
    },
    {
      args: ['create', '-d', 'none', '--url', 'tcp://h:1', '$(id)'],
      status: 2,
      first: 'Error creating machine: Invalid hostname specified. Allowed hostname chars are: 0-9a-zA-Z . -',
    },
    {
      args: ['create', '-d', 'none', '--url', 'tcp://h:1', 'a', 'b', 'c'],
      status: 2,
      first: 'Invalid command line. Found extra arguments [b c]',
    },
    { args: ['create'], status: 2, first: 'Error: No machine name specified' },
    { args: ['create', '--nope', 'a'], status: 2, first: 'flag provided but not defined: -nope' },
    { args: ['ls', '-x'], status: 2, first: 'flag provided but not defined: -x' },
    {
      args: ['ls', '--timeout', 'soon'],
      status: 2,
      first: 'invalid value "soon" for flag -timeout: parse error',
    },
    {
      args: ['bogus'],
      status: 1,
      first: "tmachine: 'bogus' is not a tmachine command. See 'tmachine --help'.",
    },
    {
      args: ['status', 'nope'],
      status: 1,
      first:
        'Docker machine "nope" does not exist. Use "docker-machine ls" to list machines. Use "docker-machine create" to add a new one.',
    },
    {
      args: ['start'],
      status: 1,
      first: 'Error: No machine name(s) specified and no "default" machine exists',
    },
    { args: ['env', 'a', 'b'], status: 2, first: 'Error: Expected one machine name as an argument' },
    { args: ['rm'], status: 2, first: 'Error: Expected to get one or more machine names as arguments' },
    {
      args: ['create', '-d', 'kvm', 'a'],
      status: 1,
      first:
        'Driver "kvm" not found. Do you have the plugin binary "docker-machine-driver-kvm" accessible in your PATH?',
    },
    {
      args: ['create', '-d', 'none', 'a'],
      status: 2,
      first:
        'Error setting machine configuration from flags provided: --url option is required when no driver is selected',
    },
    {
      args: ['create', '-d', 'none', '--url', 'tcp://h:1', '--swarm-discovery', 'nope', 'a'],
      status: 1,
      first: 'Error parsing swarm discovery: Swarm Discovery URL was in the wrong format: nope',
    },
    {
      args: ['create', '-d', 'none', '--url', 'tcp://h:1', '--engine-env', 'no-equals', 'a'],
      status: 2,
      first: '✗ The value "no-equals" of --engine-env cannot be used',
    },
  ])('$args says: $first', async ({ args, status, first }) => {
    const outcome = await tmachine(args);
    expect({ status: outcome.status, first: outcome.stderr.split('\n')[0] }).toEqual({ status, first });
    expect(existsSync(join(store, 'machines', 'a'))).toBe(false);
  });

  test('a name that is taken stays as it is', async () => {
    expect((await tmachine([...none, 'dev'])).status).toBe(0);
    const before = await readFile(join(store, 'machines', 'dev', 'config.json'), 'utf8');
    const again = await tmachine(['create', '-d', 'none', '--url', 'tcp://other:2', 'dev']);
    expect(again).toMatchObject({ status: 1 });
    expect(again.stderr).toMatch(/^Docker machine "dev" already exists\n/);
    expect(await readFile(join(store, 'machines', 'dev', 'config.json'), 'utf8')).toBe(before);
  });

  test('P22: twenty creates at once on a fresh store make one authority', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `m${index}`);
    const outcomes = await Promise.all(
      names.map((name) => tmachine([...none, name], { timeoutMs: 120_000 })),
    );
    expect(outcomes.filter(({ status }) => status !== 0).map(({ stderr }) => stderr)).toEqual([]);
    expect(outcomes.filter(({ stdout }) => stdout.includes('Creating CA:'))).toHaveLength(1);
    expect((await tmachine(['ls', '-q'])).stdout.split('\n').filter(Boolean)).toHaveLength(20);
  }, 180_000);

  test('two creates of one name at once: one makes it, the other says that it exists', async () => {
    const outcomes = await Promise.all([tmachine([...none, 'dev']), tmachine([...none, 'dev'])]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual([0, 1]);
    expect(outcomes.find(({ status }) => status === 1)?.stderr).toMatch(/already exists/);
  });

  test.each([
    { what: 'of no bytes', content: '', error: 'unexpected end of JSON input' },
    { what: 'of garbage', content: '{"Driver": ', error: 'unexpected end of JSON input' },
    { what: 'without a driver', content: '{"ConfigVersion": 3, "Name": "bad"}', error: 'has no "Driver"' },
    { what: 'from the future', content: '{"ConfigVersion": 9}', error: 'config version is from the future' },
  ])(
    'P27: a config.json $what is a row with the reason, and the other machines are listed',
    async ({ content, error }) => {
      await tmachine([...none, 'good']);
      await mkdir(join(store, 'machines', 'bad'));
      await writeFile(join(store, 'machines', 'bad', 'config.json'), content);
      const list = await tmachine(['ls']);
      expect(list.status).toBe(0);
      expect(list.stdout).toMatch(/^good .*none +Running/m);
      expect(list.stdout).toMatch(/^bad .*not found +Error/m);
      expect(list.stdout).toContain(error);
      const status = await tmachine(['status', 'bad']);
      expect(status.status).toBe(1);
      expect(status.stderr).toContain(error);
      expect((await tmachine(['rm', '-y', 'bad'])).status).toBe(1);
      expect((await tmachine(['rm', '-f', 'bad'])).status).toBe(0);
      expect(existsSync(join(store, 'machines', 'bad'))).toBe(false);
    },
  );

  test('reading commands write nothing', async () => {
    await tmachine([...none, 'dev']);
    const snapshot = async () => {
      const files = await readdir(store, { recursive: true, withFileTypes: true });
      return files.map((file) => `${file.parentPath}/${file.name}`).sort();
    };
    const before = await snapshot();
    const config = await readFile(join(store, 'machines', 'dev', 'config.json'), 'utf8');
    for (const args of [
      ['ls'],
      ['status', 'dev'],
      ['url', 'dev'],
      ['inspect', 'dev'],
      ['ip', 'dev'],
      ['active'],
    ]) {
      await tmachine(args);
    }
    expect(await snapshot()).toEqual(before);
    expect(await readFile(join(store, 'machines', 'dev', 'config.json'), 'utf8')).toBe(config);
  });

  test('P21, P36: env of a machine whose port is closed says so, fails when evaluated, and blames no certificate', async () => {
    await tmachine([...none, 'dev']);
    const outcome = await tmachine(['env', '--shell', 'bash', 'dev']);
    expect(outcome).toMatchObject({ status: 1, stdout: 'false\n' });
    expect(outcome.stderr).toMatch(/^Error checking TLS connection: /);
    expect(outcome.stderr).not.toContain('regenerate-certs');
  });

  test('a store that cannot be written is refused with its path before anything is made', async () => {
    const outcome = await tmachineIn('/dev/null/store')([...none, 'dev']);
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toContain('/dev/null/store');
    expect(outcome.stderr).not.toContain('    at ');
  });

  test.each([
    { what: 'spaces', folder: 'my machines' },
    { what: 'an apostrophe', folder: "o'hara" },
    { what: 'letters beyond ASCII', folder: 'Jürgen-日本' },
    { what: 'quotes and a backslash', folder: 'q"uote\\back' },
    { what: 'a dollar sign', folder: '$(id) %PATH%' },
  ])('P11: a store whose path has $what holds everything below it', async ({ folder }) => {
    const root = join(store, folder);
    const there = tmachineIn(root);
    expect((await there([...none, 'dev'])).status).toBe(0);
    expect((await there(['ls', '-q'])).stdout).toBe('dev\n');
    const { AuthOptions } = JSON.parse((await there(['inspect', 'dev'])).stdout).HostOptions;
    expect(AuthOptions.CaCertPath).toBe(join(root, 'certs', 'ca.pem'));
    expect(existsSync(AuthOptions.CaCertPath)).toBe(true);
    expect(await readdir(store)).toEqual([folder]);
  });

  test('a store is found through a link and by a relative path; a line break in its path is refused', async () => {
    await tmachine([...none, 'dev']);
    const link = join(store, 'link');
    await symlink(store, link);
    expect((await tmachineIn(link)(['ls', '-q'])).stdout).toBe('dev\n');
    expect((await tmachineIn('link')(['ls', '-q'], { cwd: store })).stdout).toBe('dev\n');
    const refused = await tmachineIn('/tmp/a\nb')(['ls']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('control character');
  });

  (noSmallDisk() === undefined ? test : test.skip)(
    'P28: a full store: create says so and leaves no half machine, the others are listed and removed',
    async () => {
      const disk = await smallDisk(512);
      try {
        const there = tmachineIn(disk.path);
        expect((await there([...none, 'old'])).status).toBe(0);
        await disk.fill();
        const outcome = await there([...none, 'new']);
        expect(outcome.status).toBe(1);
        expect(outcome.stderr).toContain('the disk is full');
        expect(outcome.stderr).not.toContain('tmachine rm');
        expect(outcome.stderr).not.toContain('    at ');
        expect((await there(['ls', '-q'])).stdout).toBe('old\n');
        expect((await there(['rm', '-y', 'old'])).status).toBe(0);
      } finally {
        await disk.remove();
      }
    },
  );

  test('without a home directory the two ways to name a store are told', async () => {
    const outcome = await tmachineIn('')(['ls'], { env: { HOME: '' } });
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toContain('--storage-path');
    expect(outcome.stderr).toContain('MACHINE_STORAGE_PATH');
  });

  test('a home in which nothing can be made is a sentence, not a hang', async () => {
    const outcome = await tmachineIn('')([...none, 'dev'], { env: { HOME: '/proc' }, timeoutMs: 10_000 });
    expect(outcome).toMatchObject({ status: 1, signal: null });
    expect(outcome.stderr).toContain('/proc/.docker/machine');
  });

  test('output that cannot be written is an error; a reader that has gone is not', async () => {
    await tmachine([...none, 'dev']);
    const shell = (line: string) =>
      runProgram('sh', ['-c', line, 'sh', process.execPath, PROGRAM], {
        env: { MACHINE_STORAGE_PATH: store },
      });
    const full = await shell('"$1" "$2" inspect dev >/dev/full');
    expect(full.status).toBe(1);
    expect(full.stderr).toMatch(/^✗ The output could not be written\n {2}Why {3}ENOSPC/);
    expect(full.stderr).not.toContain('    at ');
    const gone = await shell('{ "$1" "$2" create --help; echo "$?" >&2; } | true');
    expect(gone.stderr).toBe('0\n');
  });

  test('called docker-machine, it says docker-machine in all that is to be typed', async () => {
    const program = join(store, 'docker-machine');
    await symlink(PROGRAM, program);
    const called = (...args: string[]) => runProgram(program, args, { env: { MACHINE_STORAGE_PATH: store } });
    expect((await called(...none, 'dev')).stdout).toMatch(/, run: docker-machine env dev\n$/);
    expect((await called('version')).stdout).toMatch(/^docker-machine version /);
    expect((await called('env', '-u', '--shell', 'bash')).stdout).toMatch(
      /^# eval \$\(docker-machine env -u --shell bash\)$/m,
    );
    const outcomes = [
      await called('active'),
      await called('start'),
      await called('env', 'dev'),
      await called('regenerate-certs', 'dev'),
    ];
    for (const { stderr } of outcomes) {
      expect(stderr).toMatch(/\n {2}Next .*docker-machine /s);
      expect(stderr).not.toContain('tmachine');
    }
  });

  test('variables that cannot be read are told and not used; MACHINE_DEBUG and MACHINE_DRIVER are refused', async () => {
    const env = (variables: Record<string, string>, args = [...none, 'dev']) =>
      tmachine(args, { env: variables });
    const told = await env({ MACHINE_NATIVE_SSH: 'zz' });
    expect(told.status).toBe(0);
    expect(told.stdout).toMatch(/^MACHINE_NATIVE_SSH="zz" is ignored, because it is neither true nor false/);
    expect((await env({ MACHINE_DEBUG: 'zz' })).stderr).toMatch(
      /^Error parsing boolean value from MACHINE_DEBUG: strconv\.ParseBool: parsing "zz": invalid syntax\n/,
    );
    expect((await env({ MACHINE_DRIVER: 'kvm' }, ['create', 'x'])).stderr).toMatch(
      /^Driver "kvm" not found\./,
    );
    expect((await env({ MACHINE_DRIVER: 'kvm' }, ['ls', '-q'])).stdout).toBe('dev\n');
    expect(await env({ MACHINE_DRIVER: 'kvm' }, ['create', '--help'])).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test('names that differ by case only are two machines, each with a row of its own', async () => {
    await tmachine([...none, 'dev']);
    await tmachine([...none, 'DEV']);
    expect((await tmachine(['ls', '-f', '{{.Name}}'])).stdout.split('\n').filter(Boolean).sort()).toEqual([
      'DEV',
      'dev',
    ]);
  });

  test('a machine without a hypervisor refuses power commands in the words of docker-machine', async () => {
    await tmachine([...none, 'dev']);
    for (const [action, word] of [
      ['start', 'started'],
      ['stop', 'stopped'],
      ['restart', 'restarted'],
      ['kill', 'killed'],
    ]) {
      const outcome = await tmachine([action ?? '', 'dev']);
      expect(outcome).toMatchObject({ status: 1 });
      expect(outcome.stderr.split('\n')[0]).toBe(`hosts without a driver cannot be ${word}`);
    }
  });

  test('rm asks, takes no answer for no, and leaves the machine', async () => {
    await tmachine([...none, 'dev']);
    const asked = await tmachine(['rm', 'dev'], { input: '' });
    expect(asked.stdout).toMatch(
      /^About to remove dev\nWARNING: This action will delete both local reference and remote instance\.\nAre you sure\? \(y\/n\): /,
    );
    expect(existsSync(join(store, 'machines', 'dev'))).toBe(true);
    const agreed = await tmachine(['rm', 'dev'], { input: 'y\n' });
    expect(agreed.stdout).toMatch(/Successfully removed dev\n$/);
    expect(existsSync(join(store, 'machines', 'dev'))).toBe(false);
  });

  test('P36: --json answers are JSON with the documented keys', async () => {
    await tmachine([...none, 'dev']);
    const keys = async (args: string[]) => Object.keys(JSON.parse((await tmachine(args)).stdout)).sort();
    expect(await keys(['version', '--json'])).toEqual(['build', 'version']);
    expect(await keys(['status', '--json', 'dev'])).toEqual(['detail', 'name', 'state']);
    expect(await keys(['inspect', '--json', 'dev'])).toEqual([
      'ConfigVersion',
      'Driver',
      'DriverName',
      'HostOptions',
      'Name',
    ]);
    const [row] = JSON.parse((await tmachine(['ls', '--json'])).stdout).machines;
    expect(row).toMatchObject({ name: 'dev', driver: 'none', state: 'Running', url: 'tcp://127.0.0.1:1' });
  });

  test('help is shown on stdout, with success, for the program and for a command', async () => {
    const help = await tmachine(['--help']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: tmachine \[OPTIONS\] COMMAND \[arg\.\.\.\]\n/);
    const create = await tmachine(['create', '--driver', 'qemu', '--help']);
    expect(create).toMatchObject({ status: 0, stderr: '' });
    expect(create.stdout).toContain('--qemu-memory');
    expect((await tmachine(['help', 'ls'])).stdout).toMatch(/^Usage: tmachine ls \[OPTIONS\]/);
  });

  test('a key file that is not there is refused before a machine is made', async () => {
    const created = await tmachine([
      'create',
      ...['-d', 'generic', '--generic-ip-address', '127.0.0.1', '--generic-ssh-port', '1'],
      ...['--generic-ssh-key', join(store, 'missing'), 'far'],
    ]);
    expect(created.status).toBe(3);
    expect(created.stderr.split('\n')[0]).toContain('SSH key does not exist');
    expect(existsSync(join(store, 'machines', 'far'))).toBe(false);
  });
});

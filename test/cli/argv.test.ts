import { describe, expect, test } from '@jest/globals';
import { Command } from '@oclif/core/command';
import { argumentsOf, normalizeArgv } from '../../src/cli/argv.js';
import { CommandLineError, UnknownCommandError } from '../../src/cli/command-line-error.js';
import { type Environment, flagsOf, GLOBAL_FLAGS } from '../../src/cli/flag-spec.js';
import { readFlagValues } from '../../src/cli/flag-values.js';
import { runCommand } from '../../src/cli/oclif-config.js';
import { toOclifFlags } from '../../src/cli/oclif-flags.js';
import type { FlagValues } from '../../src/core/driver.js';
import { SAMPLE_TABLE } from './sample-commands.js';

const read = (line: readonly string[], env: Environment = {}) => normalizeArgv(line, SAMPLE_TABLE, env);

/** What a command that runs in oclif gets of a command line: its name, its arguments, its flags. */
async function run(line: readonly string[], env: Environment = {}) {
  const [name = '', ...argv] = read(line, env);
  const spec = SAMPLE_TABLE.get(name);
  if (spec === undefined) throw new Error(`no such command: ${name}`);
  const specs = [...flagsOf(spec, argv, env), ...GLOBAL_FLAGS];
  let values: FlagValues = {};
  class Sample extends Command {
    static override strict = false;
    async run(): Promise<void> {
      const parsed = await this.parse({ flags: toOclifFlags(specs), strict: false }, this.argv);
      values = readFlagValues(specs, parsed.flags, env).values;
    }
  }
  await runCommand(Sample, name, argv);
  return { name, args: argumentsOf(argv), values };
}

describe('flag syntax of Go', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    [
      '-x value',
      ['create', '-url', 'tcp://a:1', '-driver', 'none', 'm'],
      ['--url=tcp://a:1', '--driver=none', '--', 'm'],
    ],
    ['--x value', ['create', '--driver', 'none', 'm'], ['--driver=none', '--', 'm']],
    ['-x=value', ['create', '-driver=none', 'm'], ['--driver=none', '--', 'm']],
    ['--x=value', ['create', '--driver=none', 'm'], ['--driver=none', '--', 'm']],
    ['short', ['create', '-d', 'none', 'm'], ['--driver=none', '--', 'm']],
    ['short with two dashes', ['create', '--d=none', 'm'], ['--driver=none', '--', 'm']],
    ['a value may hold =', ['create', '--engine-opt', 'a=b=c', 'm'], ['--engine-opt=a=b=c', '--', 'm']],
    ['an empty value', ['create', '--swarm-addr=', 'm'], ['--swarm-addr=', '--', 'm']],
    ['an empty value as a word', ['create', '--swarm-addr', '', 'm'], ['--swarm-addr=', '--', 'm']],
    ['a bool takes no value', ['rm', '-f', 'true'], ['--force', '--', 'true']],
    ['a bool is switched off by =false', ['rm', '--force=false', 'm'], ['--no-force', '--', 'm']],
    ['a bool is switched on by =T', ['rm', '-f=T', 'm'], ['--force', '--', 'm']],
    ['-- ends the flags', ['rm', '--', '-f', '--', 'm'], ['--', '-f', '--', 'm']],
    [
      '-- stays before a command of the user',
      ['with', '-f', 'm', '--', 'docker', '-f', '--', 'x'],
      ['--force', '--', 'm', '--', 'docker', '-f', '--', 'x'],
    ],
    ['... and where no name stands before it', ['with', '--', 'docker'], ['--', '--', 'docker']],
    ['a lone dash is an argument', ['rm', '-', 'm'], ['--', '-', 'm']],
    ['the last one wins', ['ls', '-t', '1', '--timeout=2', '-t=3'], ['--timeout=3', '--']],
    ['the last bool wins', ['ls', '-q', '--quiet=false'], ['--no-quiet', '--']],
    [
      'a slice keeps each value, and takes one only',
      ['create', '--engine-opt', 'a', '--engine-opt=b,c', 'm', 'n'],
      ['--engine-opt=a', '--engine-opt=b,c', '--', 'm', 'n'],
    ],
    [
      'an integer below zero',
      ['create', '--virtualbox-cpu-count', '-1', 'm'],
      ['--virtualbox-cpu-count=\0-1', '--', 'm'],
    ],
    ['a flag as a value', ['create', '--engine-opt', '--debug', 'm'], ['--engine-opt=\0--debug', '--', 'm']],
    ['-- as a value', ['create', '--engine-opt', '--', 'm'], ['--engine-opt=\0--', '--', 'm']],
    ['no flags', ['ls'], ['--']],
  ])('%s', (_, [name = '', ...words], expected) => {
    expect(read([name, ...words])).toEqual([name, ...expected]);
  });
});

describe('deliberately more than docker-machine', () => {
  test('flags may follow the machine name (it took them for arguments)', () => {
    expect(read(['create', 'm', '-d', 'none', '--url=u'])).toEqual([
      'create',
      '--driver=none',
      '--url=u',
      '--',
      'm',
    ]);
    expect(read(['rm', 'a', '-f', 'b'])).toEqual(['rm', '--force', '--', 'a', 'b']);
  });

  test('the flags of the program may follow the command (it refused them)', () => {
    expect(read(['ls', '-s', '/store'])).toEqual(['ls', '--storage-path=/store', '--']);
    expect(read(['ip', 'm', '--tls-ca-cert=/c'])).toEqual(['ip', '--tls-ca-cert=/c', '--', 'm']);
  });

  test("a command's own flag hides the program's of the same name", () => {
    const table = new Map([
      [
        'x',
        { name: 'x', usage: '', flags: [{ name: 'size', short: 's', type: 'string' as const, help: '' }] },
      ],
    ]);
    expect(normalizeArgv(['x', '-s', '1'], table, {})).toEqual(['x', '--size=1', '--']);
  });
});

describe('flags of the program', () => {
  test.each<[readonly string[], readonly string[]]>([
    [
      ['-s', '/store', 'ls'],
      ['ls', '--storage-path=/store', '--'],
    ],
    [
      ['--storage-path=/store', '--native-ssh', 'ip', 'm'],
      ['ip', '--storage-path=/store', '--native-ssh', '--', 'm'],
    ],
    [
      ['--native-ssh=false', 'ls'],
      ['ls', '--no-native-ssh', '--'],
    ],
    [
      ['-tls-ca-key', 'k', '--tls-client-cert=c', 'ls'],
      ['ls', '--tls-ca-key=k', '--tls-client-cert=c', '--'],
    ],
    [
      ['--bugsnag-api-token', 'no-report', 'ls'],
      ['ls', '--bugsnag-api-token=no-report', '--'],
    ],
    [
      ['--github-api-token', 't', '--', 'ls', '-q'],
      ['ls', '--github-api-token=t', '--quiet', '--'],
    ],
    [
      ['-s', '/a', 'ls', '-s', '/b'],
      ['ls', '--storage-path=/b', '--'],
    ],
    [
      ['-D', 'ls'],
      ['ls', '--debug', '--'],
    ],
    [
      ['--debug=false', 'ls'],
      ['ls', '--'],
    ],
  ])('%j', (line, expected) => {
    expect(read(line)).toEqual(expected);
  });
});

describe('debug', () => {
  test.each<[string, readonly string[], Environment, boolean]>([
    ['-D before the command', ['-D', 'ls'], {}, true],
    ['-debug', ['-debug', 'ls'], {}, true],
    ['behind the machine name, as the original finds it anywhere', ['ip', 'm', '-D'], {}, true],
    [
      'not in the words of ssh: the original took `ssh x -D 1080` for it',
      ['ssh', 'm', '-D', '1080'],
      {},
      false,
    ],
    ['not behind --', ['rm', '--', '-D'], {}, false],
    ['MACHINE_DEBUG=1', ['ls'], { MACHINE_DEBUG: '1' }, true],
    ['MACHINE_DEBUG=t for ssh too', ['ssh', 'm'], { MACHINE_DEBUG: 't' }, true],
    ['MACHINE_DEBUG=false overrides -D', ['-D', 'ls'], { MACHINE_DEBUG: 'false' }, false],
    ['MACHINE_DEBUG empty is unset', ['-D', 'ls'], { MACHINE_DEBUG: '' }, true],
  ])('%s', (_, line, env, on) => {
    const normalized = read(line, env);
    expect(normalized.slice(0, normalized.indexOf('--')).includes('--debug')).toBe(on);
  });

  test('MACHINE_DEBUG that is no bool is refused in the words of the original, exit 1', () => {
    expect(() => read(['ls'], { MACHINE_DEBUG: 'zz' })).toThrow(
      expect.objectContaining({
        message:
          'Error parsing boolean value from MACHINE_DEBUG: strconv.ParseBool: parsing "zz": invalid syntax',
        verbatim: true,
        exitCode: 1,
      }),
    );
  });
});

describe('help and version', () => {
  test.each<[readonly string[], readonly string[]]>([
    [[], ['help', '--']],
    [['--help'], ['help', '--']],
    [
      ['-h', 'ls'],
      ['help', '--'],
    ],
    [
      ['-s', '/x'],
      ['help', '--storage-path=/x', '--'],
    ],
    [['help'], ['help', '--']],
    [
      ['h', 'ls'],
      ['help', '--', 'ls'],
    ],
    [
      ['help', 'nope'],
      ['help', '--', 'nope'],
    ],
    [
      ['ls', '--help'],
      ['help', '--', 'ls', '--help'],
    ],
    [
      ['rm', 'm', '-h'],
      ['help', '--', 'rm', 'm', '-h'],
    ],
    [
      ['ls', '-help=false'],
      ['ls', '--'],
    ],
    [
      ['create', '-d', 'none', '--help'],
      ['help', '--', 'create', '-d', 'none', '--help'],
    ],
    [
      ['-s', '/x', 'create', '--help', '-d', 'none'],
      ['help', '--storage-path=/x', '--', 'create', '--help', '-d', 'none'],
    ],
    [
      ['ssh', '-h'],
      ['help', '--', 'ssh'],
    ],
    [
      ['ssh', '-help'],
      ['help', '--', 'ssh'],
    ],
    [
      ['ssh', '--help', 'm'],
      ['help', '--', 'ssh'],
    ],
    [['--version'], ['version', '--']],
    [
      ['-v', 'ls'],
      ['version', '--'],
    ],
    [
      ['-v', '-h'],
      ['version', '--'],
    ],
    [
      ['version', 'm'],
      ['version', '--', 'm'],
    ],
  ])('%j', (line, expected) => {
    expect(read(line)).toEqual(expected);
  });
});

describe('ssh passes its words on untouched', () => {
  test.each<[readonly string[], readonly string[]]>([
    [
      ['m', 'ls', '-la', '--color', '--', 'x'],
      ['m', 'ls', '-la', '--color', '--', 'x'],
    ],
    [
      ['m', '-h'],
      ['m', '-h'],
    ],
    [
      ['m', '-t', '-L', '8080:localhost:80', 'top'],
      ['m', '-t', '-L', '8080:localhost:80', 'top'],
    ],
    [
      ['--', 'm'],
      ['--', 'm'],
    ],
    [
      ['m', 'echo', 'a', 'b', 'a', '-s', 'x'],
      ['m', 'echo', 'a', 'b', 'a', '-s', 'x'],
    ],
    [[], []],
  ])('%j', async (words, expected) => {
    const normalized = read(['-s', '/x', 'ssh', ...words]);
    expect(normalized.slice(0, 3)).toEqual(['ssh', '--storage-path=/x', '--']);
    expect(argumentsOf(normalized)).toEqual(expected);
    expect((await run(['-s', '/x', 'ssh', ...words])).args).toEqual(expected);
  });
});

describe('flag errors in the words of Go', () => {
  test.each<[readonly string[], string, string | undefined]>([
    [['ls', '--bogus'], 'flag provided but not defined: -bogus', 'ls'],
    [['ls', '-bogus=1'], 'flag provided but not defined: -bogus', 'ls'],
    [['ls', '-v'], 'flag provided but not defined: -v', 'ls'],
    [['rm', '-rf', 'm'], 'flag provided but not defined: -rf', 'rm'],
    [
      ['create', '-d', 'none', '--virtualbox-memory', '1', 'm'],
      'flag provided but not defined: -virtualbox-memory',
      'create',
    ],
    [['--bogus', 'ls'], 'flag provided but not defined: -bogus', undefined],
    [['-q', 'ls'], 'flag provided but not defined: -q', undefined],
    [['create', '-d', 'none', '--url'], 'flag needs an argument: -url', 'create'],
    [['-s'], 'flag needs an argument: -s', undefined],
    [['ls', '--timeout', 'x'], 'invalid value "x" for flag -timeout: parse error', 'ls'],
    [['ls', '-t='], 'invalid value "" for flag -t: parse error', 'ls'],
    [['ls', '-t', '1.5'], 'invalid value "1.5" for flag -t: parse error', 'ls'],
    [
      ['ls', '-t', '99999999999999999999'],
      'invalid value "99999999999999999999" for flag -t: value out of range',
      'ls',
    ],
    [['ls', '--quiet=maybe'], 'invalid boolean value "maybe" for -quiet: parse error', 'ls'],
    [['ls', '---quiet'], 'bad flag syntax: ---quiet', 'ls'],
    [['ls', '-=x'], 'bad flag syntax: -=x', 'ls'],
    [['ls', '--t=x', '--bogus'], 'invalid value "x" for flag -t: parse error', 'ls'],
  ])('%j: exit 2, where docker-machine answers 0 (1 in create)', (line, message, command) => {
    const error = caught(() => read(line));
    expect(error).toBeInstanceOf(CommandLineError);
    expect(error).toMatchObject({ message, command, help: 'incorrect-usage', exitCode: 2 });
  });

  test('a first word that is no command', () => {
    expect(caught(() => read(['-D', 'bogus', '-x']))).toBeInstanceOf(UnknownCommandError);
    expect(caught(() => read(['bogus']))).toMatchObject({ word: 'bogus', exitCode: 1 });
  });
});

describe('through oclif', () => {
  test('a whole create line arrives as it was meant', async () => {
    const { name, args, values } = await run(
      [
        ...[
          '-s',
          '/st ore',
          'create',
          '-virtualbox-memory',
          '0x800',
          '--engine-opt',
          'a=1',
          '--engine-opt',
          '--debug',
        ],
        ...[
          'dev',
          '--engine-env=HTTP_PROXY=http://u:p@h:1,x',
          '--swarm',
          '--virtualbox-no-share=false',
          '-tls-san',
          '-D',
        ],
        ...['--virtualbox-cpu-count', '-1', '--virtualbox-share-folder=-d'],
      ],
      { MACHINE_SWARM_IMAGE: 'swarm:1', ENGINE_REGISTRY_MIRROR: 'http://a, http://b' },
    );
    expect({ name, args }).toEqual({ name: 'create', args: ['dev'] });
    expect(values).toMatchObject({
      'storage-path': '/st ore',
      'virtualbox-memory': 2048,
      'virtualbox-cpu-count': -1,
      'virtualbox-share-folder': '-d',
      'virtualbox-no-share': false,
      'engine-opt': ['a=1', '--debug'],
      'engine-env': ['HTTP_PROXY=http://u:p@h:1,x'],
      'engine-label': [],
      'engine-registry-mirror': ['http://a', 'http://b'],
      swarm: true,
      'swarm-image': 'swarm:1',
      'swarm-strategy': 'spread',
      'tls-san': ['-D'],
      debug: false,
    });
  });

  test('repeated words keep their order', async () => {
    expect((await run(['rm', 'b', 'a', '-f', 'b'])).args).toEqual(['b', 'a', 'b']);
  });

  test('a flag that is switched off overrides its variable', async () => {
    const { values } = await run(['--native-ssh=false', 'ls'], { MACHINE_NATIVE_SSH: '1' });
    expect(values['native-ssh']).toBe(false);
    expect((await run(['ls'], { MACHINE_NATIVE_SSH: '1' })).values['native-ssh']).toBe(true);
  });
});

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

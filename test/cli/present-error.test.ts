import { describe, expect, test } from '@jest/globals';
import { Command } from '@oclif/core/command';
import { CLIError, ExitError } from '@oclif/core/errors';
import { CommandLineError, UnknownCommandError } from '../../src/cli/command-line-error.js';
import { runCommand } from '../../src/cli/oclif-config.js';
import { toOclifFlags } from '../../src/cli/oclif-flags.js';
import { type PresentContext, presentError } from '../../src/cli/present-error.js';
import {
  HostNotReadyError,
  InterruptedError,
  MachineNotFoundError,
  TmachineError,
  UsageError,
} from '../../src/core/errors.js';
import { SAMPLE_TABLE } from './sample-commands.js';

const context: PresentContext = {
  programName: 'tmachine',
  debug: false,
  command: 'ls',
  commandNames: [
    'active',
    'config',
    'create',
    'env',
    'inspect',
    'ip',
    'ls',
    'rm',
    'ssh',
    'start',
    'status',
    'stop',
    'url',
  ],
  helpFor: (command) => `Usage: tmachine ${command ?? 'COMMAND'}\n`,
};

describe('an expected failure', () => {
  test('says what, why and what next', () => {
    const error = new HostNotReadyError({
      code: 'VBOX_VTX_DISABLED',
      message: 'Cannot create machine "dev": this computer is not ready for VirtualBox.',
      reason: 'hardware virtualization (VT-x) is switched off in the firmware',
      nextSteps: [
        'enable it in the BIOS/UEFI settings and run the command again,',
        'or use another hypervisor:  tmachine create --driver qemu dev',
      ],
    });
    expect(presentError(error, context)).toEqual({
      stdout: '',
      stderr: `✗ Cannot create machine "dev": this computer is not ready for VirtualBox.
  Why   hardware virtualization (VT-x) is switched off in the firmware
  Next  enable it in the BIOS/UEFI settings and run the command again,
        or use another hypervisor:  tmachine create --driver qemu dev
`,
      exitCode: 3,
    });
  });

  test("docker-machine's own texts are printed byte for byte", () => {
    expect(presentError(new MachineNotFoundError('x'), context)).toEqual({
      stdout: '',
      stderr:
        'Docker machine "x" does not exist. Use "docker-machine ls" to list machines. Use "docker-machine create" to add a new one.\n',
      exitCode: 1,
    });
  });

  test('lines of a longer reason stay aligned', () => {
    const error = new TmachineError({
      code: 'X',
      message: 'It failed',
      reason: 'last lines:\nfirst\nsecond\n',
    });
    expect(presentError(error, context).stderr).toBe(
      '✗ It failed\n  Why   last lines:\n        first\n        second\n',
    );
  });

  test('text from outside is stripped of control characters and secrets', () => {
    const error = new TmachineError({
      code: 'X',
      message: 'The server said "\x1b[2J\x1b]0;t\x07hi\r\nthere"',
      reason: 'proxy http://joe:s3cr@t@proxy:8080 refused',
      nextSteps: ['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----'],
    });
    expect(presentError(error, context).stderr).toBe(
      `✗ The server said "hi
there"
  Why   proxy http://joe:***@proxy:8080 refused
  Next  -----BEGIN RSA PRIVATE KEY-----
        ***
        -----END RSA PRIVATE KEY-----
`,
    );
  });

  test('debug adds the causes', () => {
    const error = new TmachineError({
      code: 'X',
      message: 'It failed',
      cause: new Error('one level down', { cause: new Error('http://u:p@h reset') }),
    });
    expect(presentError(error, context).stderr).toBe('✗ It failed\n');
    expect(presentError(error, { ...context, debug: true }).stderr).toBe(
      '✗ It failed\ncaused by: one level down\ncaused by: http://u:***@h reset\n',
    );
  });

  test('several failures are printed one after the other; the exit code is theirs when they agree', () => {
    const one = new TmachineError({ code: 'A', message: 'a' });
    const two = new TmachineError({ code: 'B', message: 'b' });
    expect(presentError(new AggregateError([one, two]), context)).toEqual({
      stdout: '',
      stderr: '✗ a\n✗ b\n',
      exitCode: 1,
    });
    const usage = new UsageError({ message: 'c' });
    expect(presentError(new AggregateError([usage, usage]), context).exitCode).toBe(2);
    expect(presentError(new AggregateError([usage, one]), context).exitCode).toBe(1);
  });
});

describe('a wrong command line', () => {
  test('flag errors: help on stdout, the sentence on stderr, exit 2 (docker-machine: 0)', () => {
    const error = new CommandLineError({
      message: 'flag provided but not defined: -x',
      help: 'incorrect-usage',
      command: 'ls',
    });
    expect(presentError(error, context)).toEqual({
      stdout: 'Incorrect Usage.\n\nUsage: tmachine ls\n',
      stderr: 'flag provided but not defined: -x\n',
      exitCode: 2,
    });
  });

  test('a flag error before the command shows the help of the program', () => {
    const error = new CommandLineError({ message: 'm', help: 'incorrect-usage', command: undefined });
    expect(presentError(error, context).stdout).toBe('Incorrect Usage.\n\nUsage: tmachine COMMAND\n');
  });

  test('a missing name: the help alone', () => {
    const error = new CommandLineError({
      message: 'Error: No machine name specified',
      help: 'plain',
      command: 'create',
    });
    expect(presentError(error, context)).toEqual({
      stdout: 'Usage: tmachine create\n',
      stderr: 'Error: No machine name specified\n',
      exitCode: 2,
    });
  });

  test.each([
    ['creat', 'create'],
    ['crate', 'create'],
    ['statsu', 'status'],
    ['LS', 'ls'],
    ['list', undefined],
    ['delete', undefined],
    ['bogus', undefined],
    ['x', undefined],
  ])('the unknown command %s: exit 1, with %s as a suggestion', (word, suggestion) => {
    expect(presentError(new UnknownCommandError(word), context)).toEqual({
      stdout: '',
      stderr:
        `tmachine: '${word}' is not a tmachine command. See 'tmachine --help'.\n` +
        (suggestion === undefined ? '' : `  Next  Did you mean "${suggestion}"?\n`),
      exitCode: 1,
    });
  });

  test('on Windows the hint has the path by which the program was called', () => {
    const programName = 'C:\\Program Files\\Docker Toolbox\\docker-machine.exe';
    expect(presentError(new UnknownCommandError('nope'), { ...context, programName }).stderr).toBe(
      `docker-machine.exe: 'nope' is not a docker-machine.exe command. See '${programName} --help'.\n`,
    );
  });
});

describe("oclif's own errors, on a line that was not normalized", () => {
  async function failureOf(argv: string[]): Promise<unknown> {
    const specs = SAMPLE_TABLE.get('ls')?.flags ?? [];
    class Sample extends Command {
      async run(): Promise<void> {
        await this.parse({ flags: toOclifFlags(specs), args: {} }, this.argv);
      }
    }
    return runCommand(Sample, 'ls', argv).then(
      () => new Error('it did not fail'),
      (error: unknown) => error,
    );
  }

  test.each([
    [['--bogus'], 'flag provided but not defined: -bogus'],
    [['--bogus=1', '-x'], 'flag provided but not defined: -bogus'],
    [['--format'], 'flag needs an argument: -format'],
    [['--timeout=x'], 'invalid value "x" for flag -timeout: parse error'],
  ])('%j: %s', async (argv, message) => {
    expect(presentError(await failureOf(argv), context)).toEqual({
      stdout: 'Incorrect Usage.\n\nUsage: tmachine ls\n',
      stderr: `${message}\n`,
      exitCode: 2,
    });
  });

  test('extra arguments', async () => {
    expect(presentError(await failureOf(['b', 'c']), context)).toEqual({
      stdout: '',
      stderr: 'Invalid command line. Found extra arguments [b c]\n',
      exitCode: 2,
    });
  });

  test('an unknown command', () => {
    expect(presentError(new CLIError('command creat not found'), context).stderr).toContain(
      'Did you mean "create"?',
    );
  });

  test('an exit that was asked for is kept, without a word', () => {
    expect(presentError(new ExitError(42), context)).toEqual({ stdout: '', stderr: '', exitCode: 42 });
  });
});

describe('interruption', () => {
  test.each([
    ['our own', new InterruptedError()],
    ["the platform's", new DOMException('This operation was aborted', 'AbortError')],
    [
      'wrapped',
      Object.assign(new Error('aborted', { cause: new InterruptedError() }), { name: 'AbortError' }),
    ],
  ])('%s ends with 130', (_, error) => {
    expect(presentError(error, context)).toEqual({ stdout: '', stderr: '✗ Interrupted\n', exitCode: 130 });
  });

  test('says what is left behind', () => {
    const error = new InterruptedError('Interrupted', ['run the same command to go on']);
    expect(presentError(error, context).stderr).toBe(
      '✗ Interrupted\n  Next  run the same command to go on\n',
    );
  });
});

describe('a bug', () => {
  test('is named as one, with the way to report it and exit 70', () => {
    const { stdout, stderr, exitCode } = presentError(new TypeError('x is not a function'), context);
    expect(stdout).toBe('');
    expect(stderr).toBe(`✗ tmachine met a bug of its own: x is not a function
  Why   nobody foresaw this failure (TypeError); it is not your mistake
  Next  run the same command again with --debug before the command, and please report what it prints
        in the project's issue tracker; no report is sent by itself
`);
    expect(exitCode).toBe(70);
  });

  test('shows its stack with --debug only', () => {
    const bug = new TypeError('x');
    expect(presentError(bug, context).stderr).not.toContain('    at ');
    expect(presentError(bug, { ...context, debug: true }).stderr).toContain('    at ');
  });

  test.each([['a text'], [undefined], [null], [42]])('whatever is thrown is presented: %j', (thrown) => {
    expect(presentError(thrown, context).exitCode).toBe(70);
  });
});

import { normalizeArgv } from '../../src/cli/argv.js';
import { asCalled } from '../../src/cli/as-called.js';
import type { BaseCommand } from '../../src/cli/base-command.js';
import type { CommandSpec } from '../../src/cli/flag-spec.js';
import { type CommandClass, runCommand } from '../../src/cli/oclif-config.js';
import { type Presentation, presentError } from '../../src/cli/present-error.js';
import type { App } from '../../src/core/app.js';
import type { DiagnosisParts } from '../../src/core/diagnosis/parts.js';
import type { HostFacts } from '../../src/core/ports.js';
import type { VariableChange } from '../../src/core/variable-change.js';
import { openHost } from '../../src/host/open-host.js';
import type { TestApp } from '../support/test-app.js';

const COMMAND_NAMES = ['create', 'env', 'ls', 'rm', 'start', 'regenerate-certs'];

type Answer = 'yes' | 'no' | 'end';

/** A command's file, as main.ts loads it. */
interface CommandModule {
  readonly spec: CommandSpec;
  readonly default: CommandClass & { compose?: typeof BaseCommand.compose };
}

export interface Surroundings {
  /** As which the program is called; default `tmachine`. */
  readonly programName?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly platform?: HostFacts['platform'];
  /** What is answered to every question; a command that asks without one fails the test. */
  readonly answer?: Answer;
  readonly shell?: string;
  /** Of programs that get the terminal; default 0. */
  readonly exitCode?: number;
  /** Thrown instead: the program cannot be started. */
  readonly lendError?: Error;
  /** What `doctor` looks at. */
  readonly diagnosis?: DiagnosisParts;
  /** Parts of the app to replace. */
  readonly parts?: Partial<App>;
}

export interface CommandOutcome {
  readonly stdout: string;
  /** Lines of the reporter, notices among them. */
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly status: number;
  readonly questions: readonly string[];
  /** Programs that got the terminal, and with which changes of the environment. */
  readonly lent: readonly LentTerminal[];
}

export interface LentTerminal {
  readonly file: string;
  readonly args: readonly string[];
  readonly changes: readonly VariableChange[];
}

/** Runs a command on the test's store, as `tmachine NAME ARGS...`, in this process. */
export async function runIn(
  test: TestApp,
  command: CommandModule,
  args: readonly string[],
  around: Surroundings = {},
): Promise<CommandOutcome> {
  const stdout: string[] = [];
  const lines: string[] = [];
  const questions: string[] = [];
  const lent: LentTerminal[] = [];
  const env = around.env ?? {};
  const programName = around.programName ?? 'tmachine';
  let status = 0;
  const app: App = {
    ...test.app,
    // Real time: nothing here waits, and a fake clock's deadlines would come at once.
    clock: openHost().clock,
    facts: { ...test.app.facts, env, platform: around.platform ?? 'linux', homeDirectory: '' },
    ...around.parts,
  };
  const reporter = {
    ...test.call.reporter,
    step: (line: string) => lines.push(line),
    warn: (line: string) => lines.push(line),
  };
  command.default.compose = {
    environment: env,
    world: () => ({
      app,
      call: { reporter, signal: test.call.signal },
      programName,
      asCalled: (text) => asCalled(text, programName, COMMAND_NAMES),
      commandLine: [programName, command.spec.name, ...args],
      stdout: { write: (text) => stdout.push(text) },
      ask: async (question) => {
        questions.push(question);
        if (around.answer === undefined) throw new Error('nobody was to be asked');
        return around.answer;
      },
      exitWith: (code) => {
        status = code;
      },
      detectShell: async () => around.shell ?? 'bash',
      chooseDriver: async () => ({ name: 'none', reason: '' }),
      whale: '{{name}} {{address}}\n{{next}}\n',
      lendTerminal: async (program, changes) => {
        lent.push({ ...program, changes });
        if (around.lendError !== undefined) throw around.lendError;
        return around.exitCode ?? 0;
      },
      diagnosisParts: () => {
        if (around.diagnosis === undefined) throw new Error('nothing was to be diagnosed');
        return around.diagnosis;
      },
    }),
  };
  const answered = (shown?: Presentation): CommandOutcome => ({
    stdout: stdout.join('') + (shown?.stdout ?? ''),
    lines,
    stderr: shown?.stderr ?? '',
    status: shown?.exitCode ?? status,
    questions,
    lent,
  });
  try {
    const table = new Map([[command.spec.name, command.spec]]);
    const [name = '', ...argv] = normalizeArgv([command.spec.name, ...args], table, env);
    await runCommand(command.default, name, argv);
    return answered();
  } catch (error) {
    return answered(
      presentError(error, {
        programName,
        debug: false,
        command: command.spec.name,
        commandNames: COMMAND_NAMES,
        helpFor: () => 'HELP\n',
      }),
    );
  }
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { renderEnv, renderFailure } from '../../src/shells/render.js';
import { HOSTILE_VALUES } from './hostile-values.js';

const COMMAND_LINE = ['tmachine', 'env', 'default'];
const PRINT = '/usr/bin/env -0';

interface RealShell {
  /** As `--shell` names it. */
  readonly shell: string;
  readonly program: readonly string[];
  /** The shell's own line that evaluates our output as the hint says, then prints the environment. */
  readonly script: (file: string) => string;
}

const evaluators: readonly RealShell[] = [
  ...['bash', 'dash', 'zsh'].flatMap((name) => [
    { shell: name, program: [name, '-c'], script: (file: string) => `eval $(cat ${file})\n${PRINT}` },
    { shell: name, program: [name, '-c'], script: (file: string) => `eval "$(cat ${file})"\n${PRINT}` },
    { shell: name, program: [name, '-c'], script: (file: string) => `. ./${file}\n${PRINT}` },
  ]),
  {
    shell: 'bash',
    program: ['bash', '-O', 'nullglob', '-c'],
    script: (file) => `eval $(cat ${file})\n${PRINT}`,
  },
  {
    shell: 'bash',
    program: ['bash', '-O', 'failglob', '-c'],
    script: (file) => `eval $(cat ${file})\n${PRINT}`,
  },
  {
    shell: 'zsh',
    program: ['zsh', '-o', 'RC_QUOTES', '-c'],
    script: (file) => `eval "$(cat ${file})"\n${PRINT}`,
  },
  { shell: 'fish', program: ['fish', '--no-config', '-c'], script: (file) => `eval (cat ${file})\n${PRINT}` },
  {
    shell: 'fish',
    program: ['fish', '--no-config', '-c'],
    script: (file) => `cat ${file} | source\n${PRINT}`,
  },
  { shell: 'tcsh', program: ['tcsh', '-f', '-c'], script: (file) => `eval \`cat ${file}\`; ${PRINT}` },
  {
    shell: 'emacs',
    program: ['emacs', '--batch', '-Q', '--eval'],
    script: (file) =>
      `(progn (with-temp-buffer (shell-command "cat ${file}" (current-buffer)) (eval-buffer)) (call-process "/usr/bin/env" nil '(:file "printed") nil "-0"))`,
  },
];

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tmachine-shells-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function evaluate(
  { program: [file = '', ...args], script }: RealShell,
  output: string,
  env: Readonly<Record<string, string>> = {},
) {
  writeFileSync(join(directory, 'output'), output);
  const run = spawnSync(file, [...args, script('output')], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 20_000,
    env: { PATH: process.env.PATH ?? '', HOME: directory, LANG: 'C.UTF-8', ...env },
  });
  const printed =
    file === 'emacs'
      ? spawnSync('cat', [join(directory, 'printed')], { encoding: 'utf8' }).stdout
      : run.stdout;
  const variables = new Map(
    printed.split('\0').map((entry): [string, string] => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
  return { variables, stderr: run.stderr, status: run.status };
}

describe.each(
  evaluators.map((evaluator) => ({
    evaluator,
    title: [...evaluator.program, evaluator.script('FILE').split('\n')[0]].join(' '),
  })),
)('$title', ({ evaluator }) => {
  test('P11: every value is read back exactly and nothing in it is run', () => {
    const changes = HOSTILE_VALUES.map((value, at) => ({ name: `V${at}`, value }));
    const { variables, stderr } = evaluate(
      evaluator,
      renderEnv({ shell: evaluator.shell, changes, commandLine: COMMAND_LINE }),
    );
    expect(stderr.replace('tmachine: Command not found.\n', '')).toBe('');
    const read = changes.map(({ name }) => variables.get(name));
    expect(read).toEqual(HOSTILE_VALUES);
    expect(
      readdirSync(directory).filter((name) => !['output', 'printed'].includes(name) && !name.startsWith('.')),
    ).toEqual([]);
  });

  test('set and unset lines may be mixed', () => {
    const { variables } = evaluate(
      evaluator,
      renderEnv({
        shell: evaluator.shell,
        changes: [
          { name: 'GONE_1', value: undefined },
          { name: 'GONE_2', value: undefined },
          { name: 'NO_PROXY', value: 'corp.example' },
          { name: 'no_proxy', value: 'a,b' },
          { name: 'GONE_3', value: undefined },
        ],
        commandLine: COMMAND_LINE,
      }),
      { GONE_1: 'x', GONE_2: 'x', GONE_3: 'x', NO_PROXY: 'corp.example,192.168.99.100', KEPT: 'k' },
    );
    expect(variables.get('NO_PROXY')).toBe('corp.example');
    expect(variables.get('no_proxy')).toBe('a,b');
    expect(variables.get('KEPT')).toBe('k');
    for (const name of ['GONE_1', 'GONE_2', 'GONE_3']) expect(variables.get(name)).toBeUndefined();
  });

  test('what the user typed cannot leave the comment in which it is repeated', () => {
    const commandLine = [
      '/opt/my tools/tmachine',
      '--storage-path',
      '/tmp/a\ntouch pwned\n;touch pwned;`touch pwned`$(touch pwned)\'"\u2028touch pwned',
      'env',
    ];
    const { variables } = evaluate(
      evaluator,
      renderEnv({ shell: evaluator.shell, changes: [{ name: 'V', value: 'v' }], commandLine }),
    );
    expect(variables.get('V')).toBe('v');
    expect(readdirSync(directory)).not.toContain('pwned');
  });

  test('P36: evaluating the output of a failed env fails', () => {
    const failing: RealShell = {
      ...evaluator,
      script: (file) => evaluator.script(file).replace(`\n${PRINT}`, '').replace(`; ${PRINT}`, ''),
    };
    expect(evaluate(failing, renderFailure(evaluator.shell)).status).not.toBe(0);
  });
});

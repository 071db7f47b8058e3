import { describe, expect, test } from '@jest/globals';
import { renderEnv } from '../../src/shells/render.js';

const commandLine = ['docker-machine', 'env', '--shell', 'x', 'default'];
const CMD = 'docker-machine env --shell x default';

/** The table of the contract (cli.md, "env"): set line, unset line and hint of each shell. */
const contract = [
  ...['bash', 'sh', 'zsh', 'some-shell-of-tomorrow'].map((shell) => ({
    shell,
    set: 'export DOCKER_HOST="tcp://192.168.99.100:2376"',
    unset: 'unset DOCKER_HOST',
    hint: `# Run this command to configure your shell: \n# eval $(${CMD})`,
  })),
  {
    shell: 'fish',
    set: 'set -gx DOCKER_HOST "tcp://192.168.99.100:2376";',
    unset: 'set -e DOCKER_HOST;',
    hint: `# Run this command to configure your shell: \n# eval (${CMD})`,
  },
  {
    shell: 'powershell',
    set: '$Env:DOCKER_HOST = "tcp://192.168.99.100:2376"',
    // Deliberately one backslash: docker-machine's two are a defect.
    unset: 'Remove-Item Env:\\DOCKER_HOST',
    hint: `# Run this command to configure your shell: \n# & ${CMD} | Invoke-Expression`,
  },
  {
    shell: 'cmd',
    set: 'SET DOCKER_HOST=tcp://192.168.99.100:2376',
    unset: 'SET DOCKER_HOST=',
    hint: `REM Run this command to configure your shell: \nREM \t@FOR /f "tokens=*" %i IN ('${CMD}') DO @%i`,
  },
  {
    shell: 'tcsh',
    set: 'setenv DOCKER_HOST "tcp://192.168.99.100:2376";',
    unset: 'unsetenv DOCKER_HOST;',
    hint: `: Run this command to configure your shell: \n: eval \`${CMD}\``,
  },
  {
    shell: 'emacs',
    set: '(setenv "DOCKER_HOST" "tcp://192.168.99.100:2376")',
    unset: '(setenv "DOCKER_HOST" nil)',
    hint: `;; Run this command to configure your shell: \n;; (with-temp-buffer (shell-command "${CMD}" (current-buffer)) (eval-buffer))`,
  },
];

describe.each(contract)('$shell writes what docker-machine writes', ({ shell, set, unset, hint }) => {
  test('to set', () => {
    const changes = [{ name: 'DOCKER_HOST', value: 'tcp://192.168.99.100:2376' }];
    expect(renderEnv({ shell, changes, commandLine })).toBe(`${set}\n${hint}\n`);
  });

  test('to unset', () => {
    const changes = [{ name: 'DOCKER_HOST', value: undefined }];
    expect(renderEnv({ shell, changes, commandLine })).toBe(`${unset}\n${hint}\n`);
  });
});

test.each([
  ['bash', 'export P="C:\\Users\\Lenovo X250\\.docker\\machine"'],
  ['fish', 'set -gx P "C:\\Users\\Lenovo X250\\.docker\\machine";'],
  ['powershell', '$Env:P = "C:\\Users\\Lenovo X250\\.docker\\machine"'],
  ['cmd', 'SET P=C:\\Users\\Lenovo X250\\.docker\\machine'],
])('P11: %s writes an ordinary Windows path as docker-machine does', (shell, line) => {
  const changes = [{ name: 'P', value: 'C:\\Users\\Lenovo X250\\.docker\\machine' }];
  expect(renderEnv({ shell, changes, commandLine }).split('\n')[0]).toBe(line);
});

test('P25: PowerShell and csh are known by all their names', () => {
  const changes = [{ name: 'A', value: 'b' }];
  for (const shell of ['pwsh', 'PowerShell', 'powershell.exe']) {
    expect(renderEnv({ shell, changes, commandLine })).toContain('$Env:A = "b"');
  }
  expect(renderEnv({ shell: 'csh', changes, commandLine })).toContain('setenv A "b";');
  expect(renderEnv({ shell: 'constructor', changes, commandLine })).toContain('export A="b"');
});

test('a program with spaces or backslashes in its path is quoted in the hint', () => {
  const rendered = renderEnv({
    shell: 'cmd',
    changes: [],
    commandLine: ['C:\\Program Files\\Docker Toolbox\\docker-machine.exe', 'env'],
  });
  expect(rendered).toContain(`IN ('"C:\\Program Files\\Docker Toolbox\\docker-machine.exe" env') DO @%i`);
});

test('tcsh gets no hint that it would run: `:` is a command there, not a comment', () => {
  const rendered = renderEnv({
    shell: 'tcsh',
    changes: [{ name: 'A', value: 'b' }],
    commandLine: ['tmachine', '-s', '/tmp/$(x);`y`', 'env'],
  });
  expect(rendered).toBe('setenv A "b";\n');
});

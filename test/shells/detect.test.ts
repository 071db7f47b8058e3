import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/core/errors.js';
import { detectShell, type ShellClues } from '../../src/shells/detect.js';

const clues = (given: Partial<ShellClues>): ShellClues => ({
  platform: 'linux',
  env: {},
  parents: [],
  ...given,
});

describe('P25: the shell in use is found', () => {
  test.each<[string, Partial<ShellClues>, string]>([
    ['fish started from a bash login', { parents: ['fish', 'bash'], env: { SHELL: '/bin/bash' } }, 'fish'],
    ['a login shell has a dash before its name', { parents: ['-zsh'], env: { SHELL: '/bin/bash' } }, 'zsh'],
    ['a path, as ps prints it on macOS', { platform: 'darwin', parents: ['/usr/local/bin/fish'] }, 'fish'],
    ['PowerShell on Linux', { parents: ['pwsh'], env: { SHELL: '/bin/bash' } }, 'powershell'],
    ['behind sudo', { parents: ['sudo', 'tcsh'], env: { SHELL: '/bin/bash' } }, 'tcsh'],
    ['a version in the name', { parents: ['bash-5.2'] }, 'bash'],
    [
      'the parent is no shell: SHELL decides',
      { parents: ['node', 'bash'], env: { SHELL: '/usr/bin/fish' } },
      'fish',
    ],
    ['no parents are known: SHELL decides', { env: { SHELL: '/bin/zsh' } }, 'zsh'],
    ['SHELL is unset: a shell farther up', { parents: ['make', 'zsh'] }, 'zsh'],
    ['an unusual login shell keeps its name', { env: { SHELL: '/usr/bin/elvish' } }, 'elvish'],
    ['cmd on Windows', { platform: 'win32', parents: ['cmd.exe', 'explorer.exe'] }, 'cmd'],
    [
      'PowerShell started from cmd',
      {
        platform: 'win32',
        parents: ['C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\PowerShell.EXE', 'cmd.exe'],
      },
      'powershell',
    ],
    ['PowerShell 7', { platform: 'win32', parents: ['pwsh.exe'] }, 'powershell'],
    [
      'PowerShell started from Git Bash, which leaves SHELL behind',
      { platform: 'win32', parents: ['powershell.exe', 'bash.exe'], env: { SHELL: '/usr/bin/bash' } },
      'powershell',
    ],
    ['Git Bash', { platform: 'win32', parents: ['bash.exe'], env: { SHELL: '/usr/bin/bash' } }, 'bash'],
    [
      'msys without a visible parent',
      { platform: 'win32', env: { SHELL: 'C:\\Git\\usr\\bin\\bash.exe' } },
      'bash',
    ],
    [
      'msys fish, which does not change SHELL',
      { platform: 'win32', env: { SHELL: '/usr/bin/bash', __fish_bin_dir: '/usr/bin' } },
      'fish',
    ],
  ])('%s', (_, given, shell) => {
    expect(detectShell(clues(given)).shell).toBe(shell);
  });

  test('Windows without a clue takes cmd and says how to choose', () => {
    expect(detectShell(clues({ platform: 'win32', parents: ['explorer.exe'] }))).toEqual({
      shell: 'cmd',
      notice: "You can further specify your shell with either 'cmd' or 'powershell' with the --shell flag.",
    });
  });

  test('elsewhere without a clue it is an error that names the way out', () => {
    expect(() => detectShell(clues({ parents: ['systemd'] }))).toThrow(
      expect.objectContaining({ message: 'Error: Unknown shell', exitCode: 1, verbatim: true }),
    );
    expect(() => detectShell(clues({}))).not.toThrow(UsageError);
  });
});

import type { VariableChange } from '../core/variable-change.js';

/** A program to start: a path, or a name to look for on PATH. */
export interface ShellProgram {
  readonly file: string;
  readonly args: readonly string[];
}

export interface ShellPlace {
  readonly platform: 'linux' | 'darwin' | 'win32';
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The user's shell as an interactive program. `shell` is what `detectShell` says. Elsewhere than on Windows the path that SHELL names is taken
 * when it is that shell.
 */
export function shellToOpen(shell: string, { platform, env }: ShellPlace): ShellProgram {
  if (platform === 'win32') return windowsShell(shell, env);
  const path = env['SHELL'] ?? '';
  if (path.startsWith('/') && path.endsWith(`/${shell}`)) return { file: path, args: [] };
  return { file: shell === 'powershell' ? 'pwsh' : shell, args: [] };
}

function windowsShell(shell: string, env: ShellPlace['env']): ShellProgram {
  switch (shell) {
    case 'cmd':
      return { file: env['ComSpec'] || 'cmd.exe', args: [] };
    case 'powershell':
      // PowerShell 7 has told how it was installed since 7.0; Windows PowerShell has no such variable.
      return {
        file: (env['POWERSHELL_DISTRIBUTION_CHANNEL'] ?? '') === '' ? 'powershell' : 'pwsh',
        args: ['-NoLogo'],
      };
    default:
      // A shell of MSYS, Git Bash or Cygwin finds its own tools by its login files, as start.sh has it.
      return { file: shell, args: ['--login', '-i'] };
  }
}

/**
 * What an MSYS shell on Windows needs beside the engine's variables. It turns arguments that look like Unix paths into Windows paths, so that
 * `-v /c/Users/me:/data` arrives as another thing (P26): as in start.sh, `docker` becomes a function that switches this off for the
 * docker client alone. bash takes functions from variables of this name. CHERE_INVOKING keeps a login shell in the current directory.
 */
export function msysEnvironment({ platform, env }: ShellPlace): readonly VariableChange[] {
  if (platform !== 'win32' || (env['MSYSTEM'] ?? '') === '') return [];
  return [
    {
      name: 'BASH_FUNC_docker%%',
      value: '() { MSYS_NO_PATHCONV=1 MSYS2_ARG_CONV_EXCL="*" docker.exe "$@"; }',
    },
    { name: 'CHERE_INVOKING', value: '1' },
  ];
}

/** A proxy for all that is no SOCKS proxy is not understood by docker clients: start.sh takes it away, and so is it here. */
export function withoutForeignAllProxy({ env }: Pick<ShellPlace, 'env'>): readonly VariableChange[] {
  return ['ALL_PROXY', 'all_proxy'].flatMap((name) => {
    const value = env[name] ?? '';
    return value === '' || value.startsWith('socks') ? [] : [{ name, value: undefined }];
  });
}

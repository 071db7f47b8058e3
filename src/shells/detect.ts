import { TmachineError } from '../core/errors.js';

export interface ShellClues {
  readonly platform: 'linux' | 'darwin' | 'win32';
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Names or paths of the programs above us, the nearest first; empty when they cannot be told. */
  readonly parents: readonly string[];
}

export interface DetectedShell {
  readonly shell: string;
  /** What the user should know of the choice. */
  readonly notice?: string;
}

const SHELLS = new Set([
  'bash',
  'sh',
  'dash',
  'ash',
  'ksh',
  'zsh',
  'fish',
  'tcsh',
  'csh',
  'powershell',
  'pwsh',
  'cmd',
]);
/** Programs that stand between us and the shell without being one. */
const WRAPPERS = new Set(['sudo', 'doas', 'env', 'time', 'nice', 'nohup', 'timeout', 'winpty', 'xargs']);

/**
 * The shell that will evaluate our output (P25): the one that started us; else the one that SHELL names, which is the login
 * shell and not always the one in use; else one farther up; on Windows else cmd, with a notice.
 * Throws TmachineError with the contract's text when nothing tells.
 */
export function detectShell(clues: ShellClues): DetectedShell {
  const parents = clues.parents.map(programName);
  const nearest = parents.find((name) => !WRAPPERS.has(name));
  if (nearest !== undefined && SHELLS.has(nearest)) return { shell: common(nearest) };
  const named = fromVariables(clues);
  if (named !== undefined) return { shell: named };
  const farther = parents.find((name) => SHELLS.has(name));
  if (farther !== undefined) return { shell: common(farther) };
  if (clues.platform === 'win32') {
    return {
      shell: 'cmd',
      notice: "You can further specify your shell with either 'cmd' or 'powershell' with the --shell flag.",
    };
  }
  throw new TmachineError({
    code: 'UNKNOWN_SHELL',
    verbatim: true,
    message: 'Error: Unknown shell',
    reason: 'no shell was found among the programs that started this one, and SHELL is not set',
    nextSteps: ['name it with --shell: bash, zsh, sh, fish, tcsh, powershell, cmd or emacs'],
  });
}

function fromVariables({ platform, env }: ShellClues): string | undefined {
  const shell = env.SHELL ?? '';
  if (shell === '') return undefined;
  // fish does not change SHELL on Windows, but gives itself away.
  if (platform === 'win32' && (env.__fish_bin_dir ?? '') !== '') return 'fish';
  return common(programName(shell));
}

/** `/bin/-zsh`, `C:\...\PowerShell.EXE`, `bash-5.2` -> `zsh`, `powershell`, `bash`. */
function programName(path: string): string {
  const base = path.split(/[\\/]/).at(-1) ?? path;
  return base
    .toLowerCase()
    .replace(/^-/, '')
    .replace(/\.exe$/, '')
    .replace(/-?\d+(\.\d+)*$/, '');
}

function common(name: string): string {
  return name === 'pwsh' ? 'powershell' : name;
}

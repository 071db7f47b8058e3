import { readFile } from 'node:fs/promises';
import type { HostFacts, ProcessRunner } from '../core/ports.js';

/** As far up as a shell may be: npx, sudo and the like stand between. */
const MOST_PARENTS = 6;

/**
 * The programs that started this one, the nearest first, by name or path; empty where they cannot be told. On Windows one PowerShell is
 * asked, which takes a second: call it only when nothing cheaper tells the shell.
 */
export async function parentPrograms(
  facts: Pick<HostFacts, 'platform' | 'env'>,
  processes: Pick<ProcessRunner, 'run'>,
): Promise<readonly string[]> {
  switch (facts.platform) {
    case 'linux':
      return linuxParents();
    case 'darwin':
      return parseParents(
        (await answer(processes, '/bin/ps', ['-axo', 'pid=,ppid=,comm='])) ?? '',
        process.ppid,
      );
    case 'win32': {
      const shell = `${facts.env.SystemRoot ?? 'C:\\Windows'}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`;
      const query =
        'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.ParentProcessId) $($_.Name)" }';
      const list = await answer(processes, shell, ['-NoProfile', '-NonInteractive', '-Command', query]);
      return parseParents(list ?? '', process.ppid);
    }
  }
}

/** The chain from `pid` upwards in lines of `pid ppid name`. */
export function parseParents(list: string, pid: number): readonly string[] {
  const table = new Map<number, { readonly parent: number; readonly name: string }>();
  for (const line of list.split(/\r?\n/)) {
    const match = /^\s*(\d+)\s+(\d+)\s+(.+?)\s*$/.exec(line);
    if (match?.[3] !== undefined) table.set(Number(match[1]), { parent: Number(match[2]), name: match[3] });
  }
  const names: string[] = [];
  for (let at = table.get(pid); at !== undefined && names.length < MOST_PARENTS; at = table.get(at.parent)) {
    names.push(at.name);
  }
  return names;
}

async function linuxParents(): Promise<readonly string[]> {
  const names: string[] = [];
  let pid = process.ppid;
  while (pid > 1 && names.length < MOST_PARENTS) {
    // `pid (name) state ppid ...`; the name may hold spaces and parentheses.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const match = /^\d+ \((.*)\) \S (\d+) /s.exec(stat);
    if (match?.[1] === undefined) break;
    names.push(match[1]);
    pid = Number(match[2]);
  }
  return names;
}

async function answer(
  processes: Pick<ProcessRunner, 'run'>,
  file: string,
  args: readonly string[],
): Promise<string | undefined> {
  const result = await processes.run(file, args, { timeoutMs: 10_000 }).catch(() => undefined);
  return result?.status === 0 ? result.stdout : undefined;
}

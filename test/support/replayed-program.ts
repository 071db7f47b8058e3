import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const RECORDINGS = join(HERE, '..', 'fixtures', 'vboxmanage', '7.2-linux');

/** A call of a program as it was recorded. */
export interface ReplayedCall {
  /** `*` stands for any one argument, a last `***` for all that follow. */
  readonly args: readonly string[];
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** What a replayed program was asked: its arguments, and whether there was a recording. */
export interface AskedCall {
  readonly args: readonly string[];
  readonly known: boolean;
}

/** What VBoxManage 7.2 answered on Linux, for a call with these arguments. */
export async function recordedVBoxManage(name: string, args: readonly string[]): Promise<ReplayedCall> {
  const { exitCode, stdout, stderr } = JSON.parse(await readFile(join(RECORDINGS, `${name}.json`), 'utf8'));
  return { args, exitCode, stdout, stderr };
}

/** The calls as test/lab/windows/replay.c reads them. */
export function transcriptOf(calls: readonly ReplayedCall[]): string {
  return calls
    .flatMap(({ args, exitCode = 0, stdout = '', stderr = '' }) => [
      `> ${args.join('\t')}`,
      `= ${exitCode}`,
      ...marked('|', stdout),
      ...marked('!', stderr),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function marked(mark: string, text: string): string[] {
  if (text === '') return [];
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${mark} ${line}`);
}

/** What is noted in `NAME.calls`; nothing when it was never asked. */
export async function askedCalls(path: string): Promise<AskedCall[]> {
  const log = await readFile(path, 'utf8').catch(() => '');
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [number, ...args] = line.split('\t');
      return { args, known: number !== '0' };
    });
}

/** Puts a program into a folder that answers from recordings (Linux). */
export async function replayProgram(
  folder: string,
  program: string,
  calls: readonly ReplayedCall[],
): Promise<void> {
  const path = join(folder, program);
  await copyFile(join(HERE, 'replay.cjs'), path);
  await chmod(path, 0o755);
  await writeFile(`${path}.transcript`, transcriptOf(calls));
}

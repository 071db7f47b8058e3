import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Outcome, runProgram } from './cli.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const LAB = process.env['WINDOWS_LAB'] || '/opt/windows-lab';
const TOOLS = join(ROOT, 'test', 'lab', 'windows');
/** Whom the lab's programs run as. */
const USER = 1500;

/** What a program of Windows is started with. */
export interface WindowsRun {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly onStdout?: (all: string) => void;
}

/** A file held open by another process of Windows. */
export interface HeldFile {
  /** Resolves when it is let go. */
  readonly ended: Promise<void>;
}

/** A call of a program as it was recorded. */
export interface ReplayedCall {
  /** `*` stands for any one argument, a last `***` for all that follow. */
  readonly args: readonly string[];
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A folder in the lab, as Linux and as Windows see it, and the built program in it. */
export interface WindowsPlace {
  /** Such as `/opt/windows-lab/c/work-1`. */
  readonly path: string;
  /** Such as `Z:\lab\work-1`. */
  readonly windowsPath: string;
  /** `tmachine` under the Windows build of Node.js. */
  tmachine(args: readonly string[], run?: WindowsRun): Promise<Outcome>;
  /** Any program of Windows, by argument array, in this folder. `node` is the lab's node.exe. */
  run(file: string, args: readonly string[], run?: WindowsRun): Promise<Outcome>;
  /** Makes a folder or a file that the lab's user owns; with LF as it is. `name` is below this place. */
  write(name: string, content?: string): Promise<string>;
  /** Opens a file as a virus scanner does. `share` is what others may do meanwhile: bits 1 read, 2 write, 4 delete. */
  hold(name: string, share: number, seconds: number): Promise<HeldFile>;
  /** Puts a program on PATH that answers from recordings of the real one (test/lab/windows/replay.c). */
  replay(program: string, calls: readonly ReplayedCall[]): Promise<void>;
  /** What a replayed program was asked, in order: its arguments, and whether there was a recording. */
  asked(program: string): Promise<{ readonly args: readonly string[]; readonly known: boolean }[]>;
  remove(): Promise<void>;
}

let places = 0;

/** A new, empty place with the bundle of `dist`. Throws when the lab is not set up. */
export async function windowsPlace(): Promise<WindowsPlace> {
  const shared = join(LAB, 'c');
  if (!existsSync(join(shared, 'request.cjs'))) {
    throw new Error(`there is no Windows lab: sudo ${join(TOOLS, 'setup')}`);
  }
  places += 1;
  const name = `work-${process.pid}-${places}`;
  const path = join(shared, name);
  await mkdir(path);
  await chown(path, USER, USER);
  for (const part of ['bin', 'dist', 'package.json']) {
    await cp(join(ROOT, part), join(path, 'tmachine', part), { recursive: true });
  }
  const windowsPath = `Z:\\lab\\${name}`;
  const searchPath = `${windowsPath}\\programs;C:\\windows\\system32;C:\\windows`;
  let requests = 0;

  const run: WindowsPlace['run'] = async (file, args, { env, ...invocation } = {}) => {
    requests += 1;
    const request = join(path, `request-${requests}.json`);
    await writeFile(
      request,
      JSON.stringify({ file, args, env: { PATH: searchPath, ...env }, cwd: windowsPath }),
    );
    return runProgram(join(TOOLS, 'node'), ['request.cjs', `${name}/request-${requests}.json`], {
      timeoutMs: 120_000,
      ...invocation,
    });
  };
  const write: WindowsPlace['write'] = async (below, content) => {
    const parts = below.split('/');
    for (let at = 1; at < parts.length + (content === undefined ? 1 : 0); at += 1) {
      const folder = join(path, ...parts.slice(0, at));
      if (existsSync(folder)) continue;
      await mkdir(folder);
      await chown(folder, USER, USER);
    }
    if (content !== undefined) {
      await writeFile(join(path, below), content);
      await chown(join(path, below), USER, USER);
    }
    return `${windowsPath}\\${parts.join('\\')}`;
  };
  return {
    path,
    windowsPath,
    run,
    write,
    tmachine: (args, invocation = {}) =>
      run('node', [`${windowsPath}\\tmachine\\bin\\run.cjs`, ...args], invocation),
    hold: (below, share, seconds) => hold(`Z:\\lab\\${name}\\${below.replaceAll('/', '\\')}`, share, seconds),
    replay: async (program, calls) => {
      await write('programs');
      await cp(join(shared, 'replay.exe'), join(path, 'programs', `${program}.exe`));
      await write(`programs/${program}.transcript`, calls.map(transcriptOf).join(''));
    },
    asked: async (program) => {
      const log = await readFile(join(path, 'programs', `${program}.calls`), 'utf8').catch(() => '');
      return log
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [number, ...args] = line.split('\t');
          return { args, known: number !== '0' };
        });
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

function transcriptOf({ args, exitCode = 0, stdout = '', stderr = '' }: ReplayedCall): string {
  const lines = (mark: string, text: string) =>
    text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${mark} ${line}`);
  const parts = [`> ${args.join('\t')}`, `= ${exitCode}`, ...lines('|', stdout), ...lines('!', stderr)];
  return `${parts.join('\n')}\n`;
}

/** Resolves when the file is held. */
function hold(file: string, share: number, seconds: number): Promise<HeldFile> {
  const child = spawn(join(TOOLS, 'wine'), ['lock.exe', file, String(share), String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('LOCKED')) resolve({ ended });
      else reject(new Error(`could not hold ${file}: ${text.trim()}`));
    });
  });
}

/** The names in a folder of the lab, sorted. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

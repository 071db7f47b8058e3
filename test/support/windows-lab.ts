import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { chown, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './cli.js';
import { type AskedCall, askedCalls, type ReplayedCall, transcriptOf } from './replayed-program.js';

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
  /** Lets go; resolves when it is done. */
  release(): Promise<void>;
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
  hold(name: string, share: number, seconds?: number): Promise<HeldFile>;
  /** Puts a program on PATH that answers from recordings of the real one (test/lab/windows/replay.c). */
  replay(program: string, calls: readonly ReplayedCall[]): Promise<void>;
  /** What a replayed program was asked, in order: its arguments, and whether there was a recording. */
  asked(program: string): Promise<AskedCall[]>;
  remove(): Promise<void>;
}

let places = 0;
let holds = 0;

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
    return runToExit(['request.cjs', `${name}/request-${requests}.json`], invocation);
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
    hold: (below, share, seconds = HOLD_SECONDS) =>
      hold(`Z:\\lab\\${name}\\${below.replaceAll('/', '\\')}`, share, seconds),
    replay: async (program, calls) => {
      await write('programs');
      await cp(join(shared, 'replay.exe'), join(path, 'programs', `${program}.exe`));
      await write(`programs/${program}.transcript`, transcriptOf(calls));
    },
    asked: (program) => askedCalls(join(path, 'programs', `${program}.calls`)),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** What was written before the end may still be on its way through the pipe. */
const DRAIN_MS = 200;

/**
 * Runs node.exe until it ends, not until its streams do: Wine's own services, which the first program of a session starts, have them open for as
 * long as any other program runs, such as one that holds a file.
 */
function runToExit(
  args: readonly string[],
  { input = '', timeoutMs = 120_000, onStdout }: WindowsRun,
): Promise<Outcome> {
  const begun = performance.now();
  const child = spawn(join(TOOLS, 'node'), args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    onStdout?.(output.stdout);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  child.stdin.on('error', () => undefined); // the program may end without reading its input
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      const elapsedMs = Math.round(performance.now() - begun);
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ status, signal, ...output, elapsedMs });
      }, DRAIN_MS);
    });
  });
}

/** Longer than any test: it is let go by it. */
const HOLD_SECONDS = 300;

/** Resolves when the file is held. */
function hold(file: string, share: number, seconds: number): Promise<HeldFile> {
  holds += 1;
  const sign = `let-go-${process.pid}-${holds}`;
  const child = spawn(
    join(TOOLS, 'wine'),
    ['lock.exe', file, String(share), String(seconds), `Z:\\lab\\${sign}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      child.stdout.destroy();
      resolve();
    }),
  );
  const release = () => {
    writeFileSync(join(LAB, 'c', sign), '');
    return ended.finally(() => rmSync(join(LAB, 'c', sign), { force: true }));
  };
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('LOCKED')) resolve({ release });
      else reject(new Error(`could not hold ${file}: ${text.trim()}`));
    });
  });
}

/** Lets go of a file as soon as the program says that it waits for it. */
export function releasedWhenTold(held: HeldFile | Promise<HeldFile>): WindowsRun {
  let isTold = false;
  return {
    onStdout: (all) => {
      if (isTold || !all.includes('has been held by another program')) return;
      isTold = true;
      void Promise.resolve(held).then((it) => it.release());
    },
  };
}

/** The names in a folder of the lab, sorted. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

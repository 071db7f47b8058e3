import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DownloadError, InterruptedError } from '../../src/core/errors.js';
import type { ProxyResolver } from '../../src/core/ports.js';
import { fetchFile } from '../../src/download/fetch-file.js';
import { direct, isoImage, PatientClock, recordedReporter, WatchfulSwaps } from '../download/doubles.js';
import {
  type Behaviour,
  cutAfter,
  type FileVersion,
  file,
  fileInSlices,
  fileWithBlindRanges,
  fileWithoutRanges,
  type MisbehavingServer,
  redirect,
  shortOf,
  silent,
  stallAfter,
  startMisbehavingServer,
  status,
  webPage,
  withoutLength,
} from './misbehaving-server.js';
import { temporaryDirectory } from './temporary-directory.js';

const BYTES = 512 * 1024;
const OLD = isoImage({ bytes: BYTES, fill: 1 });
const VERSIONS: readonly FileVersion[] = [2, 3].map((fill) => ({
  content: isoImage({ bytes: BYTES, fill }),
  etag: `"v${fill}"`,
}));

/** What happened in one run, to be counted and, when it went wrong, read. */
export interface FaultRun {
  readonly story: readonly string[];
  readonly ending: 'fetched' | 'failed' | 'interrupted';
  /** What should never be: empty in a good run. */
  readonly wrong: readonly string[];
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * `count` downloads from a server that misbehaves in ways chosen by `seed`, each in up to four runs of the program, some of them
 * interrupted, and half of them through `proxy` when there is one. After each run the image must be the old one or a whole one that the server really had.
 */
export async function faultRuns(seed: number, count: number, proxy?: string): Promise<readonly FaultRun[]> {
  const folder = await temporaryDirectory('faults');
  const server = await startMisbehavingServer();
  const other = await startMisbehavingServer();
  try {
    const runs: FaultRun[] = [];
    for (let index = 0; index < count; index++) {
      const target = join(folder.path, `${index}.iso`);
      runs.push(await oneRun({ chance: seededNumbers(seed + index), server, other, target, index, proxy }));
    }
    return runs;
  } finally {
    await Promise.all([server.close(), other.close()]);
    await folder.remove();
  }
}

interface Stage {
  readonly chance: () => number;
  readonly server: MisbehavingServer;
  readonly other: MisbehavingServer;
  readonly target: string;
  readonly index: number;
  readonly proxy: string | undefined;
}

async function oneRun({ chance, server, other, target, index, proxy }: Stage): Promise<FaultRun> {
  // The watch for silence lasts until a fault moves the clock; waits between tries pass at once.
  const clock = new PatientClock();
  const reporter = recordedReporter();
  const story: string[] = [];
  const wrong: string[] = [];
  const hasOld = chance() < 0.7;
  if (hasOld) await writeFile(target, OLD);
  const wanted = pick(chance, VERSIONS);
  const digest = chance() < 0.5 ? sha256(wanted.content) : undefined;
  const proxies: ProxyResolver =
    proxy === undefined || chance() < 0.5 ? direct : { resolve: async () => ({ proxy, from: '--proxy' }) };
  story.push(
    `${proxies === direct ? 'directly' : 'through the proxy'}, ${hasOld ? 'with' : 'without'} an old image, ${digest === undefined ? 'no' : 'a'} digest`,
  );

  let before: Uint8Array | undefined = hasOld ? OLD : undefined;
  let ending: FaultRun['ending'] = 'failed';
  for (let program = 0; program < 4 && ending !== 'fetched'; program++) {
    const interrupt = new AbortController();
    const scene = { chance, clock, server, other, index, interrupt, knowsDigest: digest !== undefined };
    const faults = Array.from({ length: Math.floor(chance() * 5) }, () => fault(scene, wanted));
    const last = chance() < 0.6 ? { name: 'a good server', behave: file(wanted) } : fault(scene, wanted);
    const script = [...faults, last];
    story.push(`run ${program + 1}: ${script.map(({ name }) => name).join(', ')}`);
    server.on(`/${index}`, ...script.map(({ behave }) => behave));
    other.on(`/${index}`, file(wanted));
    const error = await fetchFile(
      {
        url: `${server.origin}/${index}`,
        target,
        isImage: true,
        digest,
        reporter,
        signal: interrupt.signal,
      },
      {
        clock,
        random: { bytes: (length) => new Uint8Array(length).fill(Math.floor(chance() * 256)) },
        swaps: new WatchfulSwaps(),
        proxies,
      },
    ).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    ending = error === undefined ? 'fetched' : error instanceof InterruptedError ? 'interrupted' : 'failed';
    story.push(error === undefined ? 'fetched' : String(error));
    if (error !== undefined && !(error instanceof DownloadError) && !(error instanceof InterruptedError)) {
      wrong.push(`it failed with ${String(error)}`);
    }
    const after = await readFile(target).catch(() => undefined);
    if (error !== undefined && !same(before, after)) wrong.push('a failed run changed the image');
    if (error === undefined) {
      const whole = digest === undefined ? VERSIONS : [wanted];
      if (!whole.some(({ content }) => same(content, after)))
        wrong.push('the image is none that the server had');
    }
    before = after;
  }
  const told = [...reporter.lines, ...story].join('\n');
  if (/undefined|\[object/.test(told)) wrong.push('a message holds "undefined" or an object');
  await rm(target, { force: true });
  return { story, ending, wrong };
}

interface Scene {
  readonly chance: () => number;
  readonly clock: PatientClock;
  readonly server: MisbehavingServer;
  readonly other: MisbehavingServer;
  readonly index: number;
  readonly interrupt: AbortController;
  readonly knowsDigest: boolean;
}

interface Fault {
  readonly name: string;
  readonly behave: Behaviour;
}

/** One misbehaviour, chosen at random. */
function fault(scene: Scene, wanted: FileVersion): Fault {
  const { chance, clock, server, other, index, interrupt } = scene;
  const at = pick(chance, [0.01, 0.1, 0.5, 0.9, 0.999, chance()]);
  const bytes = Math.floor(BYTES * at);
  const share = `${(at * 100).toFixed(1)} %`;
  const another = VERSIONS.find((version) => version !== wanted) ?? wanted;
  const quiet = () => void clock.advance(60_000);
  const code = pick(chance, [403, 404, 407, 408, 416, 429, 500, 502, 503]);
  const faults: Fault[] = [
    { name: `a reset at ${share}`, behave: cutAfter(bytes, file(wanted)) },
    { name: `a reset at ${share}, without ranges`, behave: cutAfter(bytes, fileWithoutRanges(wanted)) },
    { name: `silence at ${share}`, behave: stallAfter(bytes, file(wanted), quiet) },
    { name: 'no answer', behave: silent(quiet) },
    { name: 'Range ignored', behave: fileWithoutRanges(wanted) },
    { name: 'slices', behave: fileInSlices(Math.max(bytes, 1000), wanted) },
    { name: 'a length too long', behave: shortOf(BYTES + 1 + bytes, wanted) },
    { name: 'no length', behave: withoutLength({ content: wanted.content.subarray(0, bytes) }) },
    { name: 'another version', behave: file(another) },
    { name: `another version, reset at ${share}`, behave: cutAfter(bytes, file(another)) },
    { name: 'If-Range ignored, another version', behave: fileWithBlindRanges(another) },
    { name: `status ${code}`, behave: status(code, code === 407 ? { 'proxy-authenticate': 'NTLM' } : {}) },
    {
      name: 'Retry-After',
      behave: status(503, {
        'retry-after': pick(chance, ['0', '20', '300', 'Sat, 21 Nov 2026 12:00:09 GMT']),
      }),
    },
    { name: 'a web page', behave: webPage('Log in') },
    { name: 'a redirect in a circle', behave: redirect(`${server.origin}/${index}`) },
    { name: 'a redirect to another host', behave: redirect(`${other.origin}/${index}`) },
    { name: 'a redirect to nowhere', behave: redirect('ftp://nowhere/') },
    {
      name: `Ctrl-C at ${share}`,
      behave: stallAfter(bytes, file(wanted), () => interrupt.abort(new InterruptedError())),
    },
  ];
  if (scene.knowsDigest) {
    // Undiscoverable without a digest: the server swears that it is the same file.
    const liar = { content: another.content, etag: wanted.etag ?? '' };
    faults.push({ name: 'another content under the same ETag', behave: fileWithBlindRanges(liar) });
  }
  return pick(chance, faults);
}

function pick<T>(chance: () => number, choices: readonly T[]): T {
  const choice = choices[Math.floor(chance() * choices.length)];
  if (choice === undefined) throw new RangeError('nothing to choose from');
  return choice;
}

function same(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.from(one).equals(other);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

import { plainText } from '../core/plain-text.js';
import type { ProgressReport, Reporter } from '../core/reporter.js';
import { progressLine, Speed } from './progress-bar.js';
import { mayDraw, type TextStream } from './streams.js';

export interface OutputOptions {
  /** Steps, notices and plain progress: stdout for life-cycle commands, stderr where stdout is an answer. */
  readonly steps: TextStream;
  /** Debug lines and progress bars. */
  readonly stderr: TextStream;
  readonly debug: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds that only grow. */
  readonly monotonic: () => number;
}

/** Something unfinished on the screen that must give way before a line is printed. */
interface OpenLine {
  giveWay(): void;
}

const CLEAR_LINE = '\r\x1b[K';
const REDRAW_MS = 100;

/**
 * What the user sees of an action's work. Every line is stripped of control characters and secrets. One transfer is shown
 * at a time: when both streams are terminals as a bar on stderr, else in docker-machine's form `0%....10%....`.
 */
export function createReporter(options: OutputOptions): Reporter {
  const { steps, stderr, debug, env, monotonic } = options;
  let open: OpenLine | undefined;

  const print = (stream: TextStream, line: string) => {
    open?.giveWay();
    stream.write(`${plainText(line)}\n`);
  };
  const close = () => {
    open = undefined;
  };

  return {
    step: (line) => print(steps, line),
    warn: (line) => print(steps, line),
    debug: (line) => {
      if (debug) print(stderr, line);
    },
    progress: (totalBytes, prefix = '') => {
      if (open !== undefined) return { update: () => undefined, end: () => undefined };
      // With stdout in a file or a pipe the log has docker-machine's line, as there.
      const shown =
        mayDraw(stderr, env) && mayDraw(steps, env)
          ? drawnProgress(stderr, totalBytes, plainText(prefix), monotonic, close)
          : plainProgress(steps, totalBytes, plainText(prefix), close);
      open = shown;
      return shown;
    },
  };
}

/** `0%....10%....20%`: a number every ten percent, a dot every two between. Nothing when the size is not known. */
function plainProgress(
  stream: TextStream,
  totalBytes: number | undefined,
  prefix: string,
  onEnd: () => void,
): ProgressReport & OpenLine {
  let nextMark = 0;
  let isLineOpen = false;
  const giveWay = () => {
    if (isLineOpen) stream.write('\n');
    isLineOpen = false;
  };
  return {
    giveWay,
    update: (doneBytes) => {
      if (totalBytes === undefined) return;
      const reached = totalBytes === 0 ? 50 : Math.min(50, Math.floor((doneBytes / totalBytes) * 50));
      let marks = '';
      for (; nextMark <= reached; nextMark += 1) marks += nextMark % 5 === 0 ? `${nextMark * 2}%` : '.';
      if (marks === '') return;
      stream.write(isLineOpen ? marks : prefix + marks);
      isLineOpen = true;
    },
    end: () => {
      giveWay();
      onEnd();
    },
  };
}

/** A bar that is drawn over itself, at most ten times a second; the last state stays. */
function drawnProgress(
  stream: TextStream,
  totalBytes: number | undefined,
  prefix: string,
  monotonic: () => number,
  onEnd: () => void,
): ProgressReport & OpenLine {
  const speed = new Speed();
  let doneBytes: number | undefined;
  let drawnAtMs = Number.NEGATIVE_INFINITY;
  const draw = () => {
    if (doneBytes === undefined) return;
    const state = { prefix, doneBytes, totalBytes, bytesPerSecond: speed.bytesPerSecond() };
    // One column stays free: a line of full width would wrap on some terminals.
    stream.write(CLEAR_LINE + progressLine(state, (stream.columns ?? 80) - 1));
  };
  return {
    giveWay: () => {
      stream.write(CLEAR_LINE);
      drawnAtMs = Number.NEGATIVE_INFINITY;
    },
    update: (bytes) => {
      const nowMs = monotonic();
      doneBytes = bytes;
      speed.add(nowMs, bytes);
      if (nowMs - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = nowMs;
      draw();
    },
    end: () => {
      draw();
      if (doneBytes !== undefined) stream.write('\n');
      onEnd();
    },
  };
}

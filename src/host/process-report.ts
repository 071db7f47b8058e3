import { goQuote } from '../core/go-quote.js';
import { plainText } from '../core/plain-text.js';

/** One external program that has ended, or was launched: for `--debug`. Secrets are already hidden. */
export interface ProcessReport {
  /** File and arguments, each in double quotes. */
  readonly commandLine: string;
  readonly elapsedMs: number;
  /** `exit code 0`, `signal SIGKILL`, `started`, or why it could not start. */
  readonly outcome: string;
  readonly stdout: string;
  readonly stderr: string;
}

export type ProcessObserver = (report: ProcessReport) => void;

/** A report as it may be printed: no control characters, no passwords, no keys. */
export function reportOf(ended: {
  readonly file: string;
  readonly args: readonly string[];
  readonly elapsedMs: number;
  readonly outcome: string;
  readonly stdout?: string;
  readonly stderr?: string;
}): ProcessReport {
  return {
    commandLine: [ended.file, ...ended.args].map((word) => goQuote(plainText(word))).join(' '),
    elapsedMs: Math.round(ended.elapsedMs),
    outcome: ended.outcome,
    stdout: plainText(ended.stdout ?? ''),
    stderr: plainText(ended.stderr ?? ''),
  };
}

/** The report as lines for the log. */
export function reportLines(report: ProcessReport): string[] {
  const streams = [
    ['stdout', report.stdout],
    ['stderr', report.stderr],
  ] as const;
  return [
    `${report.commandLine}: ${report.outcome} after ${report.elapsedMs} ms`,
    ...streams.flatMap(([name, text]) =>
      text === ''
        ? []
        : text
            .trimEnd()
            .split('\n')
            .map((line) => `  ${name}: ${line}`),
    ),
  ];
}

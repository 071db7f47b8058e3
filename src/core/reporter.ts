/**
 * What an action tells the user while it works. Life-cycle commands show steps on stdout, as docker-machine does;
 * commands whose stdout is an answer show them on stderr.
 */
export interface Reporter {
  /** A line of the contract's log, without line end. */
  step(line: string): void;
  /** Something the user should know although the command goes on. */
  warn(line: string): void;
  /** Seen with `--debug` only. Secrets are redacted by whoever calls. */
  debug(line: string): void;
  /** A long transfer; `totalBytes` is undefined when the other side does not say. `prefix` stands before what is shown. */
  progress(totalBytes: number | undefined, prefix?: string): ProgressReport;
}

export interface ProgressReport {
  update(doneBytes: number): void;
  /** Ends the line, also after a failure. */
  end(): void;
}

/** The same reporter with docker-machine's `(NAME) ` before every line: what a driver says. */
export function forMachine(reporter: Reporter, name: string): Reporter {
  return {
    step: (line) => reporter.step(`(${name}) ${line}`),
    warn: (line) => reporter.warn(`(${name}) ${line}`),
    debug: (line) => reporter.debug(`(${name}) ${line}`),
    progress: (totalBytes, prefix = '') => reporter.progress(totalBytes, `(${name}) ${prefix}`),
  };
}

import type { ProgressReport, Reporter } from '../core/reporter.js';

/** The progress bar, which begins when the length is known and again when the download does. */
export class Meter {
  readonly #reporter: Reporter;
  #report: ProgressReport | undefined;
  #totalBytes: number | undefined;

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  begin(doneBytes: number, totalBytes: number | undefined): void {
    if (this.#report === undefined || totalBytes !== this.#totalBytes || doneBytes === 0) {
      this.end();
      this.#report = this.#reporter.progress(totalBytes);
      this.#totalBytes = totalBytes;
    }
    // Nothing has come yet: an answer may stop before its first byte.
    if (doneBytes > 0) this.#report.update(doneBytes);
  }

  update(doneBytes: number): void {
    this.#report?.update(doneBytes);
  }

  end(): void {
    this.#report?.end();
    this.#report = undefined;
  }
}

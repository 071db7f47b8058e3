/** A moment of a transfer. */
export interface TransferState {
  readonly prefix: string;
  readonly doneBytes: number;
  /** Undefined when the other side does not say. */
  readonly totalBytes: number | undefined;
  /** Undefined while it is too early to tell. */
  readonly bytesPerSecond: number | undefined;
}

const MIB = 1024 * 1024;
const SHORTEST_BAR = 8;
const LONGEST_BAR = 40;

/** The line of a transfer, at most `columns` wide: `(dev)  45% [====>     ] 27.0 of 60.0 MiB, 5.2 MiB/s, 6 s left`. */
export function progressLine(state: TransferState, columns: number): string {
  const { prefix, doneBytes, totalBytes, bytesPerSecond } = state;
  const speed = bytesPerSecond === undefined ? '' : `, ${mebibytes(bytesPerSecond)} MiB/s`;
  if (totalBytes === undefined) return cut(`${prefix}${mebibytes(doneBytes)} MiB${speed}`, columns);

  const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`;
  const left = timeLeft(totalBytes - doneBytes, bytesPerSecond);
  const amounts = ` ${mebibytes(doneBytes)} of ${mebibytes(totalBytes)} MiB${speed}${left}`;
  const room = columns - (prefix.length + percent.length + amounts.length + 3);
  return cut(
    `${prefix}${percent}${room < SHORTEST_BAR ? '' : bar(share, Math.min(room, LONGEST_BAR))}${amounts}`,
    columns,
  );
}

function bar(share: number, width: number): string {
  const filled = Math.floor(share * width);
  const head = filled > 0 && filled < width ? `${'='.repeat(filled - 1)}>` : '='.repeat(filled);
  return ` [${head.padEnd(width)}]`;
}

function timeLeft(bytes: number, bytesPerSecond: number | undefined): string {
  if (bytesPerSecond === undefined || bytesPerSecond <= 0 || bytes <= 0) return '';
  const seconds = Math.ceil(bytes / bytesPerSecond);
  if (seconds < 60) return `, ${seconds} s left`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `, ${minutes} min left`;
  return `, ${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

function mebibytes(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function cut(line: string, columns: number): string {
  return line.slice(0, Math.max(0, columns));
}

/** How fast a transfer is now: over the last five seconds, so that a pause or a restart shows soon. */
export class Speed {
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** `atMs` on a clock that only grows. */
  add(atMs: number, bytes: number): void {
    this.#samples.push({ atMs, bytes });
    while ((this.#samples[1]?.atMs ?? atMs) < atMs - 5000) this.#samples.shift();
  }

  bytesPerSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < 500) return undefined;
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
  }
}

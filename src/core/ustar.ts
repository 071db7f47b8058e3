/** An entry of a tar archive. Owner root, time 0: equal entries give equal bytes. */
export interface TarEntry {
  /** At most 100 bytes. */
  readonly name: string;
  readonly type: 'file' | 'directory';
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  /** Of a file; a directory has none. */
  readonly content?: string | Uint8Array;
}

export const TAR_BLOCK = 512;
const END_OF_ARCHIVE = 2 * TAR_BLOCK;

/**
 * A POSIX ustar archive of `entries`, in order. `end: false` leaves out the two zero blocks that close it. Throws RangeError for an entry
 * that plain ustar cannot hold.
 */
export function makeUstar(
  entries: readonly TarEntry[],
  options: { readonly end: boolean } = { end: true },
): Uint8Array {
  const parts = entries.map((entry) => ({ entry, body: bodyOf(entry) }));
  const size = parts.reduce((sum, { body }) => sum + TAR_BLOCK + padded(body.length), 0);
  const archive = new Uint8Array(size + (options.end ? END_OF_ARCHIVE : 0));
  let offset = 0;
  for (const { entry, body } of parts) {
    archive.set(header(entry, body.length), offset);
    archive.set(body, offset + TAR_BLOCK);
    offset += TAR_BLOCK + padded(body.length);
  }
  return archive;
}

function bodyOf(entry: TarEntry): Uint8Array {
  if (entry.type === 'directory' || entry.content === undefined) return new Uint8Array(0);
  return typeof entry.content === 'string' ? new TextEncoder().encode(entry.content) : entry.content;
}

function padded(length: number): number {
  return Math.ceil(length / TAR_BLOCK) * TAR_BLOCK;
}

/** One header block; the offsets are those of POSIX.1-1988 (pax(1), "ustar Interchange Format"). */
function header(entry: TarEntry, size: number): Uint8Array {
  const block = new Uint8Array(TAR_BLOCK);
  const name = new TextEncoder().encode(entry.name);
  if (name.length === 0 || name.length > 100) {
    throw new RangeError(`a tar name has 1 to 100 bytes, not ${name.length}: "${entry.name}"`);
  }
  block.set(name, 0);
  putOctal(block, 100, 8, entry.mode);
  putOctal(block, 108, 8, 0);
  putOctal(block, 116, 8, 0);
  putOctal(block, 124, 12, size);
  putOctal(block, 136, 12, 0);
  putText(block, 156, entry.type === 'directory' ? '5' : '0');
  putText(block, 257, 'ustar\0' + '00');
  putOctal(block, 329, 8, 0);
  putOctal(block, 337, 8, 0);
  // The checksum counts its own field as eight blanks, and is stored as six digits, a zero byte and a blank.
  putText(block, 148, ' '.repeat(8));
  const sum = block.reduce((total, byte) => total + byte, 0);
  putText(block, 148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** Octal digits that fill the field but for its closing zero byte. */
function putOctal(block: Uint8Array, offset: number, width: number, value: number): void {
  const digits = value.toString(8).padStart(width - 1, '0');
  if (digits.length > width - 1) throw new RangeError(`${value} does not fit a tar field of ${width} bytes`);
  putText(block, offset, digits);
}

function putText(block: Uint8Array, offset: number, text: string): void {
  block.set(new TextEncoder().encode(text), offset);
}

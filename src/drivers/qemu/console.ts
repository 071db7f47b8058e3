import { open } from 'node:fs/promises';
import { lastLines } from '../../core/console-text.js';

const TAIL_BYTES = 64 * 1024;
/** The last `lines` lines of a console's log that have something on them, fit for a terminal; empty when there is no log. */
export async function readConsoleTail(path: string, lines: number): Promise<string> {
  const text = await readEnd(path);
  return text === undefined ? '' : lastLines(text, lines);
}

/** What was written to the log after its first `offset` bytes (of that the end, when it is much); empty when there is no log. */
export async function readConsoleSince(path: string, offset: number): Promise<string> {
  return (await readEnd(path, offset)) ?? '';
}

async function readEnd(path: string, offset = 0): Promise<string | undefined> {
  const file = await open(path, 'r').catch(() => undefined); // no log, no tail
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const begin = Math.max(offset, size - TAIL_BYTES);
    if (begin >= size) return '';
    const length = size - begin;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, begin);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

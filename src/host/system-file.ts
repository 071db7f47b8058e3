import { readFile } from 'node:fs/promises';

/** A file of the operating system, such as /proc/cpuinfo; undefined when there is none, or it is not ours to read. */
export async function readSystemFile(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

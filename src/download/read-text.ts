import type { HttpAnswer } from './http.js';

/** The body as UTF-8 text. Throws what `tooLong` makes for one of more than `mostBytes`. */
export async function textOf(answer: HttpAnswer, mostBytes: number, tooLong: () => Error): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body) {
    length += chunk.length;
    if (length > mostBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

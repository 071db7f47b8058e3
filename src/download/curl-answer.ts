import type { IncomingHttpHeaders } from 'node:http';

/** The head of one answer. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

export interface CurlAnswer extends AnswerHead {
  /** The proxy answered in place of opening a tunnel. */
  readonly fromProxy: boolean;
  readonly body: AsyncGenerator<Uint8Array>;
}

/** A head of more than this is none. */
const LONGEST_HEAD = 256 * 1024;

/**
 * Takes apart what curl prints with `--include`: the heads of all answers on the way (a proxy's login in several rounds, the opening of a
 * tunnel, 100 Continue), then the last one's body. `tunnel`: the first answers are a proxy's to CONNECT, up to one of 2xx. Undefined
 * when there was no answer.
 */
export async function readCurlAnswer(
  output: AsyncIterable<Uint8Array>,
  tunnel: boolean,
): Promise<CurlAnswer | undefined> {
  const bytes = new Lookahead(output);
  let awaitsTunnel = tunnel;
  for (;;) {
    const head = await readHead(bytes);
    if (head === undefined) return undefined;
    if (awaitsTunnel && head.status >= 200 && head.status < 300) {
      awaitsTunnel = false;
      continue;
    }
    const mayGoOn = awaitsTunnel || head.status === 407 || head.status < 200;
    if (mayGoOn && (await bytes.startWith('HTTP/'))) continue;
    return { ...head, fromProxy: awaitsTunnel, body: bytes.rest() };
  }
}

async function readHead(bytes: Lookahead): Promise<AnswerHead | undefined> {
  const text = await bytes.take('\r\n\r\n', LONGEST_HEAD);
  const [first = '', ...lines] = text?.split('\r\n') ?? [];
  const status = /^HTTP\/[\d.]+ (\d{3})/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
    const key = name.toLowerCase();
    // As in Node: what came several times is one text.
    if (key !== '') headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return { status: Number(status), headers };
}

/** Bytes that come in pieces, with a look at the next ones. */
class Lookahead {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#pieces = source[Symbol.asyncIterator]();
  }

  /** Everything before `mark`, which is dropped; undefined when it does not come. */
  async take(mark: string, mostBytes: number): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.indexOf(mark);
      if (end >= 0) {
        const text = this.#held.subarray(0, end).toString('latin1');
        this.#held = this.#held.subarray(end + mark.length);
        return text;
      }
      if (this.#held.length > mostBytes || !(await this.#more())) return undefined;
    }
  }

  async startWith(text: string): Promise<boolean> {
    while (this.#held.length < text.length) if (!(await this.#more())) return false;
    return this.#held.subarray(0, text.length).toString('latin1') === text;
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    if (this.#held.length > 0) yield this.#held;
    for (;;) {
      const next = await this.#pieces.next();
      if (next.done === true) return;
      yield next.value;
    }
  }

  async #more(): Promise<boolean> {
    const next = await this.#pieces.next();
    if (next.done === true) return false;
    this.#held = Buffer.concat([this.#held, next.value]);
    return true;
  }
}

/** Where text goes; `process.stdout` is one. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** True when lines may be drawn over on this stream: a terminal that can, and no wish for plain text (NO_COLOR). */
export function mayDraw(stream: TextStream, env: Environment): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

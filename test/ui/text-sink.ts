import type { TextStream } from '../../src/ui/streams.js';

/** A stream that keeps what was written. */
export class TextSink implements TextStream {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(terminal: { readonly columns: number } | undefined = undefined) {
    this.isTTY = terminal !== undefined;
    this.columns = terminal?.columns ?? 0;
  }

  write(text: string): void {
    this.text += text;
  }
}

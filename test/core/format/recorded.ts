import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Rendered {
  readonly Template: string;
  readonly Output: string;
  readonly Problem: string;
}

/** What Go's standard library printed. Origin: recorded here (Go 1.19.8), by test/fixtures/go/record.go. */
export interface Recorded {
  readonly Quotes: readonly { readonly Text: string; readonly Quoted: string }[];
  readonly Layouts: readonly {
    readonly Text: string;
    readonly MinWidth: number;
    readonly TabWidth: number;
    readonly Padding: number;
    readonly PadCharacter: ' ' | '\t';
    readonly Output: string;
  }[];
  readonly Machine: string;
  readonly Inspect: readonly Rendered[];
  readonly List: readonly Rendered[];
  readonly Durations: Readonly<Record<string, string>>;
}

export const recorded: Recorded = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../fixtures/go/recorded.json', import.meta.url)), 'utf8'),
);

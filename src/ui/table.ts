/** How Go's text/tabwriter lays columns out. Widths in characters. */
export interface TabLayout {
  readonly minWidth: number;
  /** Only used when `padCharacter` is a tab. */
  readonly tabWidth: number;
  readonly padding: number;
  readonly padCharacter: ' ' | '\t';
}

/** The layout of docker-machine's `ls`. */
export const LIST_LAYOUT: TabLayout = { minWidth: 5, tabWidth: 1, padding: 3, padCharacter: ' ' };
/** The layout of its help texts. */
export const HELP_LAYOUT: TabLayout = { minWidth: 0, tabWidth: 8, padding: 1, padCharacter: '\t' };

interface Block {
  readonly lines: readonly (readonly string[])[];
  readonly layout: TabLayout;
  readonly output: string[];
}

/**
 * Lines with tab-terminated cells, aligned as Go's text/tabwriter does: a column is a block of neighbouring lines that all
 * have a cell there; the text behind the last tab of a line belongs to no column. Line ends stay as they are.
 */
export function alignColumns(text: string, layout: TabLayout): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  // A tab at the very end of the text ends nothing.
  const last = lines.at(-1);
  if (last !== undefined && last.length > 1 && last.at(-1) === '') last.pop();
  const block: Block = { lines, layout, output: [] };
  layOut(block, 0, lines.length, []);
  return block.output.join('\n');
}

/** Lays out the lines from `first` to `end` whose columns to the left have these `widths`. */
function layOut(block: Block, first: number, end: number, widths: readonly number[]): void {
  const column = widths.length;
  const hasCell = (line: number) => column < (block.lines[line]?.length ?? 0) - 1;
  let written = first;
  for (let line = first; line < end; line += 1) {
    if (!hasCell(line)) continue;
    writeLines(block, written, line, widths);
    const start = line;
    let width = block.layout.minWidth;
    for (; line < end && hasCell(line); line += 1) {
      width = Math.max(width, characters(block.lines[line]?.[column] ?? '') + block.layout.padding);
    }
    layOut(block, start, line, [...widths, width]);
    written = line;
  }
  writeLines(block, written, end, widths);
}

function writeLines(block: Block, first: number, end: number, widths: readonly number[]): void {
  for (const cells of block.lines.slice(first, end)) {
    const padded = cells.map((cell, column) => {
      const width = widths[column];
      return width === undefined ? cell : cell + padTo(width - characters(cell), width, block.layout);
    });
    block.output.push(padded.join(''));
  }
}

function padTo(missing: number, width: number, layout: TabLayout): string {
  if (layout.padCharacter === ' ') return ' '.repeat(Math.max(0, missing));
  if (layout.tabWidth === 0) return '';
  const full = Math.ceil(width / layout.tabWidth) * layout.tabWidth;
  return '\t'.repeat(Math.max(0, Math.ceil((full - width + missing) / layout.tabWidth)));
}

/** Go counts code points. */
function characters(text: string): number {
  return Array.from(text).length;
}

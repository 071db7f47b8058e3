/** A line that one of the two logs has and the other has not, on purpose. */
export interface Deviation {
  readonly line: RegExp;
  /** `extra`: only ours has it. `missing`: only the original has it. */
  readonly kind: 'extra' | 'missing';
  readonly reason: string;
  /** It depends on the image or the computer whether it occurs. */
  readonly isOptional?: boolean;
}

/** What stands for something that is different on every computer. */
export interface Mask {
  readonly ours: string;
  readonly original: string;
  readonly reason: string;
}

/**
 * Compares a log with the original, line by line: what differs and is not declared, as sentences; and what is declared and does not occur, since
 * a declaration that nobody needs hides the next difference. Empty: they are the same.
 */
export function compareLogs(
  original: readonly string[],
  ours: readonly string[],
  allowed: { readonly deviations: readonly Deviation[]; readonly masks: readonly Mask[] },
): readonly string[] {
  const used = new Set<object>();
  const masked = ours.map((line) =>
    allowed.masks.reduce((text, mask) => {
      if (text.includes(mask.ours)) used.add(mask);
      return text.replaceAll(mask.ours, mask.original);
    }, line),
  );
  const without = (lines: readonly string[], kind: Deviation['kind']) =>
    lines.filter((line) => {
      const deviation = allowed.deviations.find((it) => it.kind === kind && it.line.test(line));
      if (deviation !== undefined) used.add(deviation);
      return deviation === undefined;
    });
  const expected = without(original, 'missing');
  const actual = without(masked, 'extra');
  const differences: string[] = [];
  for (let at = 0; at < Math.max(expected.length, actual.length); at += 1) {
    if (expected[at] === actual[at]) continue;
    differences.push(`line ${at + 1}: original ${quoted(expected[at])}, ours ${quoted(actual[at])}`);
  }
  const needed = allowed.deviations.filter(({ isOptional }) => isOptional !== true);
  const unused = [...needed, ...allowed.masks].filter((it) => !used.has(it));
  return [...differences, ...unused.map(({ reason }) => `declared, but does not occur: ${reason}`)];
}

function quoted(line: string | undefined): string {
  return line === undefined ? 'ends' : JSON.stringify(line);
}

/** Of every run with an image that this release does not know. */
export const NOT_VERIFIED: Deviation = {
  kind: 'extra',
  line: /^\(default\) This image is not verified: its SHA-256 [0-9a-f]{64} is not known to this release\.$/,
  isOptional: true,
  reason: 'an image whose digest this release does not know is used, and said to be so',
};

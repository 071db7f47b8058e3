/**
 * Tells which of two engine versions, such as `v26.1.5` and `19.03.12`, is newer: negative when `one` is older, 0 when they are equal or one of
 * them says nothing that can be compared.
 */
export function compareEngineVersions(one: string, other: string): number {
  const first = numbersOf(one);
  const second = numbersOf(other);
  if (first === undefined || second === undefined) return 0;
  for (let at = 0; at < Math.max(first.length, second.length); at += 1) {
    const difference = (first[at] ?? 0) - (second[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What stands behind the numbers (`-ce`, `+dfsg1`) says nothing about age. */
function numbersOf(version: string): readonly number[] | undefined {
  const match = /^v?(\d+(?:\.\d+)*)/.exec(version);
  return match?.[1]?.split('.').map(Number);
}

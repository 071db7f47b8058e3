/** The word that a mistyped one was probably meant to be: at most a third of its letters (two at least) differ. */
export function nearestWord(typed: string, words: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(typed.length / 3));
  let nearest: string | undefined;
  let least = limit + 1;
  for (const word of words) {
    const distance = editDistance(typed.toLowerCase(), word);
    // Two changes make any two-letter word out of any other: something must be left of what was typed.
    if (distance < least && distance < word.length) {
      nearest = word;
      least = distance;
    }
  }
  return nearest;
}

/** How many letters must be put in, taken out, replaced or swapped with their neighbour to get from `a` to `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row += 1) {
    const above = rows[row - 1] ?? [];
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (above[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (rows[row - 2]?.[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    rows.push(current);
  }
  return rows[a.length]?.[b.length] ?? 0;
}

/** Compares names as people do: without regard to case, digit runs as numbers, so that `dev2` comes before `dev10`. */
export function naturalOrder(a: string, b: string): number {
  const left = chunks(a);
  const right = chunks(b);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const one = left[index];
    const other = right[index];
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    const bothNumbers = /^\d/.test(one) && /^\d/.test(other);
    const difference = bothNumbers ? Number(one) - Number(other) : compare(one, other);
    if (difference !== 0) return difference;
  }
  return compare(a, b);
}

function chunks(name: string): string[] {
  return name.toLowerCase().match(/\d+|\D+/g) ?? [];
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

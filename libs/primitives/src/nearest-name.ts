// Which known name somebody may have meant who typed another. By the Damerau–Levenshtein distance (optimal string alignment): letters
// left out, added, replaced, or swapped with their neighbour.

/** At most every third letter may be wrong; beyond that a suggestion is a guess. */
const LETTERS_PER_MISTAKE = 3;

/** The nearest one, the first of several; `undefined` if none is near. */
export function nearestName(typed: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let fewest = Math.floor(Math.max(typed.length, LETTERS_PER_MISTAKE) / LETTERS_PER_MISTAKE) + 1;
  for (const name of known) {
    if (Math.abs(name.length - typed.length) >= fewest) continue;
    const mistakes = distance(typed, name);
    if (mistakes < fewest) [nearest, fewest] = [name, mistakes];
  }
  return nearest;
}

function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let fewest = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) fewest = Math.min(fewest, beforeLast[j - 2]! + 1);
      row.push(fewest);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

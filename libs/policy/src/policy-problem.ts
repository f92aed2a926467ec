// What is wrong with a policy document: a value, since people and programs write these documents.

export const policyProblemCodes = [
  'not-json',
  'wrong-type',
  'missing-field',
  'unknown-field',
  'limit-exceeded',
  'bad-name',
  'duplicate-name',
  'bad-host',
  'bad-selector',
  'unknown-name',
  'unknown-tag',
  'unknown-group',
  'nested-group',
  'bad-traffic',
  'empty-list',
  'test-failed',
] as const;
export type PolicyProblemCode = (typeof policyProblemCodes)[number];

export interface PolicyProblem {
  /** Where in the document, as a JSON pointer (RFC 6901): `/rules/2/to/0`. */
  readonly path: string;
  readonly code: PolicyProblemCode;
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** Collects problems on the way through a document. */
export class PolicyProblems {
  readonly list: PolicyProblem[] = [];

  add(path: string, code: PolicyProblemCode, message: string, suggestion?: string): void {
    this.list.push({ path, code, message, ...(suggestion !== undefined && { suggestion }) });
  }
}

/** `/rules/0` and a key become `/rules/0/key`, escaped as RFC 6901 §3 wants. */
export function childPath(path: string, key: string | number): string {
  return `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The valid name nearest to what was written, if it is near enough to be a slip. */
export function nearestName(written: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(written.length / 3)) + 1;
  for (const name of names) {
    if (Math.abs(name.length - written.length) >= bestDistance) continue;
    const distance = editDistance(written.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (Damerau's distance, optimal string alignment). */
function editDistance(a: string, b: string): number {
  let twoBack: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) current[j] = Math.min(current[j]!, twoBack[j - 2]! + 1);
    }
    [twoBack, previous] = [previous, current];
  }
  return previous[b.length]!;
}

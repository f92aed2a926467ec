/**
 * Closes a `switch` over a discriminated union: the compiler rejects a missing case, and a forged value throws at run time.
 * The message names the variant and never its data, which may be secret.
 */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${nameOfVariant(value)}`);
}

function nameOfVariant(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return 'kind' in value ? `kind ${String(value.kind)}` : 'an object without a kind';
}

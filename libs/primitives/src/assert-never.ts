/** Closes a `switch` over a discriminated union: the compiler rejects a missing case, and a forged value throws at run time. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

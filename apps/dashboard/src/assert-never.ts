/** Ends a switch over a discriminated union: a variant that the switch forgot does not compile. */
export function assertNever(value: never): never {
  throw new Error(`unexpected variant: ${JSON.stringify(value)}`);
}

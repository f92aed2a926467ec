// Waiting for a condition of the outside world: looks again and again, and says what it waited for when time is up.

/**
 * Returns the first value of `look` that is not undefined.
 * Throws after `timeoutMs` with `what` in the message, and with what `look` last threw, if it did.
 */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  look: () => T | undefined | Promise<T | undefined>,
  intervalMs = 25,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let problem: unknown;
    try {
      const value = await look();
      if (value !== undefined) return value;
    } catch (error) {
      problem = error;
    }
    if (performance.now() >= deadline) {
      const why = problem instanceof Error ? ` (${problem.message})` : '';
      throw new Error(`waited ${String(timeoutMs)} ms for ${what}${why}`, { cause: problem });
    }
    await pause(intervalMs);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

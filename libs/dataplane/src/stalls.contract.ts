// For specs that run threads against each other: a stall before any access to shared memory, drawn from a generator that repeats.

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** From now on each access by Atomics of this thread may stall first. */
export function stallAtEveryAccess(random: () => number): void {
  for (const name of ['load', 'store', 'add', 'exchange', 'compareExchange'] as const) {
    const access = Atomics[name] as (...values: unknown[]) => unknown;
    Object.assign(Atomics, {
      [name]: (...values: unknown[]) => {
        stall(random());
        return access(...values);
      },
    });
  }
}

/** Mostly not at all, sometimes a little, rarely for a time slice. */
export function stall(dice: number): void {
  if (dice % 128 !== 0) return;
  if (dice % 65_536 === 0) Atomics.wait(sleeper, 0, 0, 1);
  else for (let spins = dice % 500; spins > 0; spins--) void spins;
}

/** xorshift32: 0…2^32 − 1, repeatable by its seed. */
export function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

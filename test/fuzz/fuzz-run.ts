// One run of a target: the corpus, then mutations of it and of the target's own examples, each within a time and all within a
// bounded memory. A failure says how to see it again.
import { SeededRandom } from '@shadownet/testlab';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readCorpus } from './corpus.js';
import type { FuzzTarget } from './fuzz-target.js';
import { HangWatch } from './hang-watch.js';
import { mutate } from './mutator.js';

export interface FuzzPlan {
  readonly seed: number;
  /** When to end: after so long, or after so many inputs; by default after the target's own number of them. */
  readonly seconds?: number | undefined;
  readonly inputs?: number | undefined;
}

/** A hundred times what the slowest input takes; the machine may be busy. */
const SLOW_MS = 1000;
/** What a subject may keep beyond what it had after the first tenth of a run. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** Failing inputs are shown in full up to here. */
const SHOWN_BYTES = 2048;

/** Returns the number of inputs. Throws with the seed and the input if an invariant is broken. */
export function fuzz(target: FuzzTarget, { seed, seconds, inputs }: FuzzPlan): number {
  const random = new SeededRandom(seed);
  const subject = target.start(random);
  const corpus = readCorpus(target.name);
  const pool = [...corpus, ...subject.examples()];
  const replay = `see it again: npm run fuzz -- --target ${target.name} --seed ${String(seed)} --inputs`;
  const watch = new HangWatch(`${target.name} hangs; ${replay}`);
  const deadline = performance.now() + 1000 * (seconds ?? Infinity);
  const limit = inputs ?? (seconds === undefined ? target.inputs : Infinity);
  const warmUp = Math.max(1000, Math.floor(target.inputs / 10));
  let keptBefore = 0;
  let count = 0;
  try {
    for (; count < limit && performance.now() < deadline; count++) {
      if (count === warmUp) keptBefore = bytesInUse();
      const input = corpus[count]?.slice() ?? mutate(pool, random, target.maxLength);
      const shown = Buffer.from(input.subarray(0, SHOWN_BYTES)).toString('hex');
      const startedAt = performance.now();
      watch.step();
      try {
        subject.feed(input);
        const tookMs = performance.now() - startedAt;
        if (tookMs > SLOW_MS) throw new Error(`took ${tookMs.toFixed(0)} ms`);
      } catch (error) {
        const what = `${target.name}, input ${String(count)} (hexadecimal ${shown}): ${String(error)}`;
        throw new Error(`${what}\n${replay} ${String(count + 1)}`, { cause: error });
      }
    }
    subject.finish?.();
    const kept = bytesInUse() - keptBefore;
    if (count > warmUp && kept > KEPT_BYTES) {
      throw new Error(`${target.name} keeps ${String(kept)} bytes\n${replay} ${String(count)}`);
    }
  } finally {
    watch.end();
  }
  return count;
}

/** After a collection, which Node offers only when asked for. */
function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

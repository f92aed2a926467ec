// What is fuzzed: a decoder with everything that may be said to it, and what must hold whatever was said. One file for each in
// targets/, run by fuzz-run.ts.
import { type SeededRandom } from '@shadownet/testlab';

export interface FuzzTarget {
  /** Kebab-case; also the name of its file in corpus/. */
  readonly name: string;
  /** Inputs for a run of `npm test`, about two seconds of work. */
  readonly inputs: number;
  /** The longest input that mutation makes. */
  readonly maxLength: number;
  /** A fresh subject for one run. All its randomness and time come from `random`, so that a seed replays the run. */
  start(random: SeededRandom): FuzzSubject;
}

export interface FuzzSubject {
  /** Valid inputs, which are mutated beside those of the corpus: what depends on keys or on the state of the subject. */
  readonly examples: () => readonly Uint8Array[];
  /** Takes one input. Throws if it did what it must never do; the bytes are the subject's. */
  feed(input: Uint8Array): void;
  /** Looks at the end whether the subject still does its work. */
  finish?(): void;
}

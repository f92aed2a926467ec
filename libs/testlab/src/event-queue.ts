// A binary heap of what happens when: by time, and in the order of scheduling where times are equal.

import type { Instant } from '@shadownet/primitives';

interface Entry {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

export class EventQueue {
  readonly #heap: Entry[] = [];
  #scheduled = 0;

  get firstAt(): Instant | undefined {
    return this.#heap[0]?.at;
  }

  add(at: Instant, run: () => void): void {
    const heap = this.#heap;
    const entry = { at, order: this.#scheduled++, run };
    let position = heap.length;
    heap.push(entry);
    for (let parent = (position - 1) >> 1; position > 0 && before(entry, heap[parent]!); parent = (position - 1) >> 1) {
      heap[position] = heap[parent]!;
      position = parent;
    }
    heap[position] = entry;
  }

  /** Takes the first. There must be one. */
  take(): () => void {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first.run;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, entry)) break;
      heap[position] = heap[child]!;
      position = child;
    }
    heap[position] = entry;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

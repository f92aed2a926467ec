// A binary heap of what happens when: by time, and in the order of scheduling where times are equal. Events are objects, not
// functions: a large simulation schedules millions of them.

import type { Instant } from '@shadownet/primitives';

export abstract class SimulatedEvent {
  /** Set by the queue. */
  order = 0;

  constructor(readonly at: Instant) {}

  abstract run(): void;
}

export class EventQueue {
  readonly #heap: SimulatedEvent[] = [];
  #scheduled = 0;

  get firstAt(): Instant | undefined {
    return this.#heap[0]?.at;
  }

  add(event: SimulatedEvent): void {
    const heap = this.#heap;
    event.order = this.#scheduled++;
    let position = heap.length;
    heap.push(event);
    for (let parent = (position - 1) >> 1; position > 0 && before(event, heap[parent]!); parent = (position - 1) >> 1) {
      heap[position] = heap[parent]!;
      position = parent;
    }
    heap[position] = event;
  }

  /** Takes the first. There must be one. */
  take(): SimulatedEvent {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(event: SimulatedEvent): void {
    const heap = this.#heap;
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, event)) break;
      heap[position] = heap[child]!;
      position = child;
    }
    heap[position] = event;
  }
}

function before(a: SimulatedEvent, b: SimulatedEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

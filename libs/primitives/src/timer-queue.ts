// A binary heap of whoever has a deadline, so that no packet costs a walk over all peers. Places in it may be too early, never
// too late: deadlines that move back, as most do with each packet, are looked at again when their turn comes. Used by the
// WireGuard device and by the tunnel.

import type { Instant } from './instant.js';

export interface TimerOwner {
  /** The deadline as it is now; `undefined` if there is none any more. */
  nextDeadline(): Instant | undefined;
}

interface Entry<Owner> {
  readonly owner: Owner;
  at: Instant;
  position: number;
}

export class TimerQueue<Owner extends TimerOwner> {
  readonly #heap: Entry<Owner>[] = [];
  readonly #entries = new Map<Owner, Entry<Owner>>();

  /** Makes sure that `owner` is looked at by `at`. Nothing happens if it would be anyway. */
  lookAt(owner: Owner, at: Instant): void {
    const entry = this.#entries.get(owner);
    if (entry) {
      if (at >= entry.at) return;
      entry.at = at;
      this.#siftUp(entry);
      return;
    }
    const added = { owner, at, position: this.#heap.length };
    this.#entries.set(owner, added);
    this.#heap.push(added);
    this.#siftUp(added);
  }

  delete(owner: Owner): void {
    const entry = this.#entries.get(owner);
    if (!entry) return;
    this.#entries.delete(owner);
    const last = this.#heap.pop()!;
    if (last === entry) return;
    this.#place(last, entry.position);
    this.#siftUp(last);
    this.#siftDown(last);
  }

  /** Whoever comes first, with the deadline it really has. */
  first(): { readonly owner: Owner; readonly at: Instant } | undefined {
    for (let top = this.#heap[0]; top; top = this.#heap[0]) {
      const at = top.owner.nextDeadline();
      if (at === undefined) {
        this.delete(top.owner);
      } else if (at > top.at) {
        top.at = at;
        this.#siftDown(top);
      } else return top;
    }
    return undefined;
  }

  #siftUp(entry: Entry<Owner>): void {
    while (entry.position > 0) {
      const parent = this.#heap[(entry.position - 1) >> 1]!;
      if (parent.at <= entry.at) return;
      this.#swap(parent, entry);
    }
  }

  #siftDown(entry: Entry<Owner>): void {
    for (;;) {
      const left = this.#heap[2 * entry.position + 1];
      const right = this.#heap[2 * entry.position + 2];
      const child = right && right.at < left!.at ? right : left;
      if (!child || child.at >= entry.at) return;
      this.#swap(entry, child);
    }
  }

  #swap(a: Entry<Owner>, b: Entry<Owner>): void {
    const position = a.position;
    this.#place(a, b.position);
    this.#place(b, position);
  }

  #place(entry: Entry<Owner>, position: number): void {
    entry.position = position;
    this.#heap[position] = entry;
  }
}

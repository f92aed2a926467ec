// An eventfd as a doorbell between threads: anyone rings, one thread polls the descriptor and clears it (eventfd(2)).

import { processArena } from './arena.js';
import { type Descriptor, libc } from './libc.js';

/** Rings the doorbell of another thread. Descriptors are numbers, valid in every thread of the process. */
export class EventDescriptor {
  readonly #block = processArena().allocate(8);

  private constructor(readonly descriptor: Descriptor) {}

  static open(): EventDescriptor {
    return new EventDescriptor(libc().eventfd());
  }

  /** The same doorbell as another thread opened it. */
  static attach(descriptor: Descriptor): EventDescriptor {
    return new EventDescriptor(descriptor);
  }

  ring(): void {
    this.#block.bytes.fill(0);
    this.#block.bytes[0] = 1;
    libc().write(this.descriptor, this.#block, 8);
  }

  /** Makes the descriptor unreadable until the next ring. */
  clear(): void {
    libc().read(this.descriptor, this.#block);
  }

  close(): void {
    libc().close(this.descriptor);
  }
}

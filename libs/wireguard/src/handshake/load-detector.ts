// Decides when the device is under load, and so asks for cookies (whitepaper §5.3): by what handshakes cost, not by how many
// wait. Each X25519 operation is charged to a budget that refills with time; once it is overdrawn the device counts as under
// load for a second after the last excess. Used by the main thread, which is the only one to do such operations.

import { addDuration, durationBetween, type Instant } from '@shadownet/primitives';
import { OPERATIONS_PER_HANDSHAKE, UNDER_LOAD_TIME } from '../constants.js';
import type { HandshakeCells } from '../packet-workers/handshake-cells.js';

/** So much of a second's budget may be used at once. */
const BURST_SECONDS = 0.5;

export class LoadDetector {
  readonly #operationsPerSecond: number;
  readonly #burst: number;
  readonly #cells: HandshakeCells;
  #charged = 0;
  #updatedAt: Instant | undefined;

  constructor(cells: HandshakeCells) {
    this.#operationsPerSecond = cells.handshakesPerSecond * OPERATIONS_PER_HANDSHAKE;
    this.#burst = this.#operationsPerSecond * BURST_SECONDS;
    this.#cells = cells;
  }

  /** So many X25519 operations were done `now`. */
  charge(operations: number, now: Instant): void {
    const elapsed = this.#updatedAt === undefined ? 0 : durationBetween(this.#updatedAt, now);
    this.#updatedAt = now;
    this.#charged = Math.max(0, this.#charged - (elapsed * this.#operationsPerSecond) / 1000) + operations;
    if (this.#charged <= this.#burst) return;
    this.#charged = this.#burst;
    this.#cells.setUnderLoadUntil(addDuration(now, UNDER_LOAD_TIME));
  }
}

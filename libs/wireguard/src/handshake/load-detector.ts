// Decides when the device is under load, and so asks for cookies (whitepaper §5.3). A handshake is charged to a budget that
// refills with time; once it is overdrawn the device counts as under load for a second after the last excess.

import { addDuration, durationBetween, type Instant } from '@shadownet/primitives';
import { UNDER_LOAD_TIME } from '../constants.js';

export class LoadDetector {
  readonly #budgetPerSecond: number;
  #charged = 0;
  #updatedAt: Instant | undefined;
  #underLoadUntil: Instant | undefined;

  constructor(budgetPerSecond: number) {
    this.#budgetPerSecond = budgetPerSecond;
  }

  /** Charges one handshake message that arrived `now`, and says whether the device is under load. */
  charge(now: Instant): boolean {
    const elapsed = this.#updatedAt === undefined ? 0 : durationBetween(this.#updatedAt, now);
    this.#updatedAt = now;
    this.#charged = Math.max(0, this.#charged - (elapsed * this.#budgetPerSecond) / 1000) + 1;
    if (this.#charged > this.#budgetPerSecond) {
      this.#charged = this.#budgetPerSecond;
      this.#underLoadUntil = addDuration(now, UNDER_LOAD_TIME);
    }
    return this.#underLoadUntil !== undefined && now < this.#underLoadUntil;
  }
}

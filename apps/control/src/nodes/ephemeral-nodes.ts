// Deletes ephemeral nodes that have been offline for 30 minutes. That is measured on the monotonic clock, by looking every minute,
// and from the server's own start at the earliest: neither an outage of the server nor a jump of its wall clock deletes anybody.

import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { durationBetween, type Instant, minutes } from '@shadownet/primitives';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { NodeRoster } from '../network-map/node-roster.js';
import { NodeAdministration } from './node-administration.js';
import { isLeftBehind } from './standing.js';

export const EPHEMERAL_LIMIT = minutes(30);

const SWEEP_INTERVAL_MS = 60_000;

@Injectable()
export class EphemeralNodes {
  /** When each of them was first found offline, by public key. */
  #offlineSince = new Map<string, Instant>();

  constructor(
    private readonly queue: WriteQueue,
    private readonly roster: NodeRoster,
    private readonly administration: NodeAdministration,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Interval(SWEEP_INTERVAL_MS)
  async sweep(): Promise<void> {
    const now = this.clock.monotonic();
    const before = this.#offlineSince;
    this.#offlineSince = new Map();
    for (const node of this.roster.nodes()) {
      if (isLeftBehind(node)) this.#offlineSince.set(node.publicKey, before.get(node.publicKey) ?? now);
    }
    for (const [publicKey, since] of [...this.#offlineSince]) {
      if (this.queue.closed) return;
      if (durationBetween(since, now) >= EPHEMERAL_LIMIT) await this.administration.deleteLeftBehind(publicKey);
    }
  }
}

// How often nodes should report: every 30 s, every 2 s while somebody watches the dashboard.

import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { addDuration, type Instant, seconds } from '@shadownet/primitives';
import { type Clock, CLOCK } from '../clock.js';
import { EventStreams } from '../events/event-streams.js';

const USUAL_INTERVAL_MS = 30_000;
const WATCHED_INTERVAL_MS = 2_000;

/** Somebody watches until this long after the last look at the overview. */
const WATCH_LASTS = seconds(10);

const CHECK_INTERVAL_MS = 1_000;

@Injectable()
export class HeartbeatPace {
  #watchedUntil: Instant | undefined;

  constructor(
    private readonly streams: EventStreams,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Between two heartbeats of a node, as things are now. */
  get intervalMs(): number {
    return this.#watchedUntil === undefined ? USUAL_INTERVAL_MS : WATCHED_INTERVAL_MS;
  }

  /** Somebody looked at the overview. */
  watched(): void {
    const wasUnwatched = this.#watchedUntil === undefined;
    this.#watchedUntil = addDuration(this.clock.monotonic(), WATCH_LASTS);
    if (wasUnwatched) this.#announce();
  }

  @Interval(CHECK_INTERVAL_MS)
  expire(): void {
    if (this.#watchedUntil === undefined || this.clock.monotonic() < this.#watchedUntil) return;
    this.#watchedUntil = undefined;
    this.#announce();
  }

  #announce(): void {
    this.streams.publish({ type: 'heartbeat-interval', payload: { heartbeat_interval_ms: this.intervalMs } });
  }
}

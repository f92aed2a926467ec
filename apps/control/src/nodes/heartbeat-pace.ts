// How often nodes should report: every 30 s, every 2 s while somebody watches the dashboard, more rarely in a large mesh.

import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { addDuration, type Instant, seconds } from '@shadownet/primitives';
import { type Clock, CLOCK } from '../clock.js';
import { EventStreams } from '../events/event-streams.js';

const USUAL_INTERVAL_MS = 30_000;
const WATCHED_INTERVAL_MS = 2_000;

/** Nodes behind one address may send 100 requests a second together; a heartbeat itself costs less than 1 ms of a core. */
const HEARTBEATS_PER_SECOND = 50;
/** Two may be lost within the 120 s after which a node is offline. */
const LONGEST_INTERVAL_MS = 40_000;

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
    return intervalFor(this.streams.size, this.#watchedUntil === undefined ? 'unwatched' : 'watched');
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
    for (const stream of this.streams.all()) stream.sendHeartbeatInterval(this.intervalMs);
  }
}

/** Milliseconds between two heartbeats of each of so many nodes. */
export function intervalFor(nodes: number, mesh: 'watched' | 'unwatched'): number {
  const shortest = mesh === 'watched' ? WATCHED_INTERVAL_MS : USUAL_INTERVAL_MS;
  const affordable = (nodes * 1000) / HEARTBEATS_PER_SECOND;
  return Math.min(Math.max(shortest, affordable), LONGEST_INTERVAL_MS);
}

// What sizes of datagrams a path carries: tried by padded probes as soon as data of such a size is sent, and again when the
// peer's reports say that large data does not arrive any more (RFC 8899's idea: no ICMP is needed, and none is believed).

import {
  addDuration,
  type Duration,
  durationBetween,
  type Instant,
  milliseconds,
  minutes,
  seconds,
} from '@shadownet/primitives';
import type { PathReport } from './probe-message.js';

/** UDP payloads to try: IPv6's minimum (1,280), a full packet of a 1,280-byte tunnel, then up to Ethernet's 1,500. */
export const PROBED_SIZES = [1232, 1312, 1392, 1452, 1472] as const;

/** Below this nothing is tried: every path that carries probes carries it. */
const LARGE_BYTES = 1000;

const TRIES = 3;
const TRY_INTERVAL = milliseconds(300);

/** A size that failed is tried again after so long: routes change. */
const RETRY_INTERVAL = minutes(5);

/** Large data is on the way for so long without the peer reporting any, and sizes are tried anew. */
const REPORT_PATIENCE = milliseconds(1200);

/** Data that stopped says nothing. */
const RECENT = seconds(1);

interface Ladder {
  readonly tries: number;
  readonly nextAt: Instant;
}

export type SizeEvent = { readonly provenBytes: number; readonly losesBytes: number | undefined };

export class PathSizes {
  /** The largest datagram known to arrive. */
  provenBytes = 0;
  /** The smallest size tried that does not arrive. */
  losesBytes: number | undefined;
  #ladder: Ladder | undefined;
  #retryAt: Instant | undefined;
  #largestSent = 0;
  #largeSince: Instant | undefined;
  #largeLastAt: Instant | undefined;

  /** What gets lost, unless that is so long ago that it may be true no more. */
  lossAt(now: Instant): number | undefined {
    return this.#retryAt !== undefined && now >= this.#retryAt ? undefined : this.losesBytes;
  }

  /** A datagram with data goes out on the path. */
  noteSent(bytes: number, now: Instant): void {
    if (bytes < LARGE_BYTES) return;
    this.#largeSince ??= now;
    this.#largeLastAt = now;
    if (bytes > this.#largestSent) this.#largestSent = bytes;
    if (this.#retryAt !== undefined && now >= this.#retryAt) this.#forget();
    const isNews = bytes > this.provenBytes && (this.losesBytes === undefined || bytes < this.losesBytes);
    if (isNews && !this.#ladder) this.#ladder = { tries: 0, nextAt: now };
  }

  /** The peer tells what data came. What was seen to pass before may not any more. */
  noteReport({ largestBytes }: PathReport, now: Instant): void {
    if (largestBytes >= LARGE_BYTES) {
      this.#largeSince = undefined;
      if (largestBytes > this.provenBytes) this.provenBytes = largestBytes;
      return;
    }
    const isFlowing = this.#largeLastAt !== undefined && durationBetween(this.#largeLastAt, now) < RECENT;
    if (!isFlowing) this.#largeSince = undefined;
    if (this.#largeSince === undefined || durationBetween(this.#largeSince, now) < REPORT_PATIENCE) return;
    if (this.#ladder || this.losesBytes !== undefined) return;
    this.#forget();
    this.#ladder = { tries: 0, nextAt: now };
  }

  /** A probe of that size was answered. True if that is news. */
  noteProven(bytes: number): boolean {
    if (bytes <= this.provenBytes || bytes < LARGE_BYTES) return false;
    this.provenBytes = bytes;
    return true;
  }

  pollTimeout(): Instant | undefined {
    return this.#ladder?.nextAt;
  }

  /** What to do now: sizes to probe, or the result once all tries are over. */
  handleTimeout(now: Instant): { readonly probe: readonly number[] } | { readonly result: SizeEvent } | undefined {
    const ladder = this.#ladder;
    if (!ladder || now < ladder.nextAt) return undefined;
    const unproven = PROBED_SIZES.filter((size) => size > this.provenBytes);
    if (ladder.tries === TRIES || unproven.length === 0) {
      this.#ladder = undefined;
      this.losesBytes = unproven[0];
      this.#retryAt = unproven.length > 0 ? addDuration(now, RETRY_INTERVAL) : undefined;
      return { result: { provenBytes: this.provenBytes, losesBytes: this.losesBytes } };
    }
    this.#ladder = { tries: ladder.tries + 1, nextAt: addDuration(now, TRY_INTERVAL) };
    return { probe: unproven };
  }

  #forget(): void {
    this.provenBytes = 0;
    this.losesBytes = undefined;
    this.#retryAt = undefined;
    this.#largeSince = undefined;
  }
}

/** What came on a path, for the reports to its sender. */
export class PathReceipt {
  #packets = 0;
  #largest = 0;
  #largestBefore = 0;
  #periodEndsAt: Instant | undefined;

  noteReceived(bytes: number, now: Instant): void {
    this.#advance(now);
    this.#packets = (this.#packets + 1) >>> 0;
    if (bytes > this.#largest) this.#largest = bytes;
  }

  report(now: Instant): PathReport {
    this.#advance(now);
    const largestBytes = Math.min(0xffff, Math.max(this.#largest, this.#largestBefore));
    return { packets: this.#packets, largestBytes };
  }

  #advance(now: Instant): void {
    if (this.#periodEndsAt === undefined) this.#periodEndsAt = addDuration(now, PERIOD);
    if (now < this.#periodEndsAt) return;
    const isNext = durationBetween(this.#periodEndsAt, now) < PERIOD;
    this.#largestBefore = isNext ? this.#largest : 0;
    this.#largest = 0;
    this.#periodEndsAt = addDuration(now, PERIOD);
  }
}

const PERIOD: Duration = seconds(1);

// What data on the path in use tells: whether it is answered, and when the peer is to be asked what came of it. Changed in place
// with each packet; part of the state 'connected' (path-state.ts).

import { addDuration, durationBetween, type Instant } from '@shadownet/primitives';
import {
  ANSWERING_TIME,
  REPORT_INTERVAL,
  REPORTED_BYTES,
  REPORTED_PACKETS,
  SILENCE_RUN,
  SILENCE_TIME,
} from './path-constants.js';

export class DataFlow {
  /** Data went out then and nothing has come back on the path since. */
  #unansweredSince: Instant | undefined;
  /** Data of the peer came on the path. */
  #lastReceivedAt: Instant | undefined;
  /** How often in a row, without a long silence in between; no further than what counts. */
  #receivedInRun = 0;
  /** Data of ours went out after it. */
  #spoke = false;
  /** When the peer is asked what came of the data, and how many packets that was since it was asked last. */
  #reportAt: Instant | undefined;
  #unreportedPackets = 0;

  get unansweredSince(): Instant | undefined {
    return this.#unansweredSince;
  }

  get reportAt(): Instant | undefined {
    return this.#reportAt;
  }

  /** When the last datagram of a run came: a peer that had been sending. */
  get runEndedAt(): Instant | undefined {
    return this.#receivedInRun >= SILENCE_RUN ? this.#lastReceivedAt : undefined;
  }

  /** A datagram of so many bytes went out. */
  noteSent(bytes: number, now: Instant): void {
    // What goes out so soon after something came is most likely an answer itself, and the last word: nothing follows from it.
    const isAnswer = this.#lastReceivedAt !== undefined && durationBetween(this.#lastReceivedAt, now) < ANSWERING_TIME;
    if (!isAnswer) this.#unansweredSince ??= now;
    this.#spoke = true;
    this.#unreportedPackets += 1;
    const isReported = bytes >= REPORTED_BYTES || this.#unreportedPackets >= REPORTED_PACKETS;
    if (isReported) this.#reportAt ??= addDuration(now, REPORT_INTERVAL);
  }

  /** True if it came after something of ours: the conversation goes on. */
  noteReceived(now: Instant): boolean {
    const goesOn = this.#spoke;
    const isInRun = this.#lastReceivedAt !== undefined && durationBetween(this.#lastReceivedAt, now) < SILENCE_TIME;
    this.#receivedInRun = isInRun ? Math.min(SILENCE_RUN, this.#receivedInRun + 1) : 1;
    this.#unansweredSince = undefined;
    this.#lastReceivedAt = now;
    this.#spoke = false;
    return goesOn;
  }

  /** A probe on the path was answered. */
  noteAnswered(): void {
    this.#unansweredSince = undefined;
  }

  /** The path is checked: the silence after a run is not doubted twice. */
  noteDoubted(): void {
    this.#receivedInRun = 0;
  }

  /** The peer is asked now. */
  noteReportAsked(): void {
    this.#reportAt = undefined;
    this.#unreportedPackets = 0;
  }
}

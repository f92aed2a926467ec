// The timers of one peer (whitepaper §6) as plain deadlines. What sets and clears them is here; what happens when one goes off
// is the device's business.

import { addDuration, type Duration, type Instant, type TimerOwner, type TimerQueue } from '@shadownet/primitives';
import {
  KEEPALIVE_TIMEOUT,
  NO_ANSWER_TIMEOUT,
  REJECT_AFTER_TIME,
  REKEY_ATTEMPT_TIME,
  REKEY_TIMEOUT,
  ZERO_KEYS_AFTER_TIME,
} from './constants.js';

const TIMERS = [
  /** Another initiation is due (§6.4). */
  'handshake-retry',
  /** The series of attempts has lasted long enough (§6.4). */
  'handshake-give-up',
  /** Data was sent and nothing at all came back (§6.5). */
  'no-answer',
  /** Data was received and nothing was sent back (§6.5). */
  'passive-keepalive',
  /** Nothing was sent or received for the configured interval. */
  'persistent-keepalive',
  /** The current session has become too old to be used (§6.2). */
  'session-expiry',
  /** No new session for so long that all keys are zeroed (§6.3). */
  'zero-keys',
] as const;

export type PeerTimer = (typeof TIMERS)[number];

const OFF = Infinity;

export class PeerTimers<Owner extends TimerOwner> {
  readonly #owner: Owner;
  readonly #queue: TimerQueue<Owner>;
  readonly #jitter: () => Duration;
  readonly #deadlines: Record<PeerTimer, number>;
  #anotherKeepalive = false;

  /** `jitter` draws 0…MAX_TIMER_JITTER anew each time. */
  constructor(owner: Owner, queue: TimerQueue<Owner>, jitter: () => Duration) {
    this.#owner = owner;
    this.#queue = queue;
    this.#jitter = jitter;
    this.#deadlines = Object.fromEntries(TIMERS.map((timer) => [timer, OFF])) as Record<PeerTimer, number>;
  }

  /** The first timer to go off. */
  next(): { readonly timer: PeerTimer; readonly at: Instant } | undefined {
    let first: PeerTimer | undefined;
    for (const timer of TIMERS) {
      if (this.#deadlines[timer] < (first ? this.#deadlines[first] : OFF)) first = timer;
    }
    return first && { timer: first, at: this.#deadlines[first] as Instant };
  }

  /** Takes a timer that has gone off out of the list, before it is acted on. */
  stop(timer: PeerTimer): void {
    this.#deadlines[timer] = OFF;
  }

  stopAll(): void {
    for (const timer of TIMERS) this.#deadlines[timer] = OFF;
    this.#anotherKeepalive = false;
  }

  // ── Handshakes ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A series of attempts begins, or was asked for again. */
  attemptsStarted(now: Instant): void {
    this.#set('handshake-give-up', addDuration(now, REKEY_ATTEMPT_TIME));
  }

  /** The next attempt of the series is due REKEY_TIMEOUT after `lastAttempt`, and a little later. */
  retryAfter(lastAttempt: Instant): void {
    this.#set('handshake-retry', addDuration(addDuration(lastAttempt, REKEY_TIMEOUT), this.#jitter()));
  }

  /** The next attempt may be made at once. */
  attemptAt(at: Instant): void {
    this.#set('handshake-retry', at);
  }

  attemptsEnded(): void {
    this.stop('handshake-retry');
    this.stop('handshake-give-up');
  }

  // ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

  sessionDerived(now: Instant): void {
    this.#set('zero-keys', addDuration(now, ZERO_KEYS_AFTER_TIME));
  }

  /** A session created at `createdAt` is the one to send with from now on. */
  sessionInUse(createdAt: Instant): void {
    this.#set('session-expiry', addDuration(createdAt, REJECT_AFTER_TIME));
  }

  // ── Traffic ───────────────────────────────────────────────────────────────────────────────────────────────────────

  dataSent(now: Instant): void {
    if (this.#deadlines['no-answer'] !== OFF) return;
    this.#set('no-answer', addDuration(addDuration(now, NO_ANSWER_TIMEOUT), this.#jitter()));
  }

  dataReceived(now: Instant): void {
    if (this.#deadlines['passive-keepalive'] === OFF) {
      this.#set('passive-keepalive', addDuration(now, KEEPALIVE_TIMEOUT));
    } else this.#anotherKeepalive = true;
  }

  /** Anything authentic was sent, be it data, keepalive or handshake. */
  authenticatedSent(now: Instant, persistentKeepalive: Duration): void {
    this.stop('passive-keepalive');
    this.#anotherKeepalive = false;
    this.traversed(now, persistentKeepalive);
  }

  /** Anything authentic was received. */
  authenticatedReceived(now: Instant, persistentKeepalive: Duration): void {
    this.stop('no-answer');
    this.traversed(now, persistentKeepalive);
  }

  /** The passive keepalive went off `now`: true if data that came meanwhile asks for one more. */
  takeAnotherKeepalive(): boolean {
    const another = this.#anotherKeepalive;
    this.#anotherKeepalive = false;
    return another;
  }

  /** Starts the interval of the persistent keepalive anew; 0 turns it off. */
  traversed(now: Instant, persistentKeepalive: Duration): void {
    if (persistentKeepalive > 0) this.#set('persistent-keepalive', addDuration(now, persistentKeepalive));
    else this.stop('persistent-keepalive');
  }

  #set(timer: PeerTimer, at: Instant): void {
    this.#deadlines[timer] = at;
    this.#queue.lookAt(this.#owner, at);
  }
}

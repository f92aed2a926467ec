// One request over UDP and its answer: retransmission by RFC 8489 §6.2.1, matching by transaction id and by address.
// Sans-IO: whoever owns it sends what it puts out and calls `handleTimeout` when `pollTimeout` says so.

import {
  addDuration,
  bytesEqual,
  type Duration,
  durationBetween,
  type Endpoint,
  endpointsEqual,
  formatEndpoint,
  type Instant,
  milliseconds,
  type Wakeup,
} from '@shadownet/primitives';
import type { StunMessage } from './stun-message.js';

/** RTO: what to wait after the first sending; doubles with each further one. */
export const INITIAL_RETRANSMISSION_TIMEOUT = milliseconds(500);
/** Rc: how often the request is sent in all. */
export const MAX_TRANSMISSIONS = 7;
/** Rm: so many initial timeouts after the last sending, the transaction has failed. */
export const FINAL_WAIT_FACTOR = 16;

/** When a request is sent again, and when it has failed. */
export interface RetransmissionSchedule {
  /** RTO. */
  readonly initialTimeout: Duration;
  /** Rc. */
  readonly transmissions: number;
  /** Rm. */
  readonly finalWaitFactor: number;
}

/** RFC 8489's own values: sendings at 0, 500, 1500, 3500, 7500, 15500, 31500 ms, end at 39500. */
const STANDARD_SCHEDULE: RetransmissionSchedule = {
  initialTimeout: INITIAL_RETRANSMISSION_TIMEOUT,
  transmissions: MAX_TRANSMISSIONS,
  finalWaitFactor: FINAL_WAIT_FACTOR,
};

export interface StunOutput {
  /** A datagram for `to`. The bytes must not be changed: they may be sent again. */
  datagram(bytes: Uint8Array, to: Endpoint): void;
}

export interface StunRequest {
  readonly destination: Endpoint;
  /** 12 bytes, as in the encoded request. */
  readonly transactionId: Uint8Array;
  readonly bytes: Uint8Array;
  /** Where the answer must come from, if not from the destination itself: RFC 5780's CHANGE-REQUEST asks for that. */
  readonly answersFrom?: (from: Endpoint) => boolean;
  /** RFC 8489's if absent. */
  readonly schedule?: RetransmissionSchedule;
}

export type StunTransactionState =
  | { readonly kind: 'unsent'; readonly dueAt: Instant }
  | { readonly kind: 'waiting'; readonly transmissions: number; readonly lastSentAt: Instant; readonly dueAt: Instant }
  /** `rtt` counts from the latest sending: if an answer to an earlier one was just late, it is too small. */
  | { readonly kind: 'answered'; readonly message: StunMessage; readonly rtt: Duration }
  | { readonly kind: 'timed-out' };

export class StunTransaction {
  readonly #request: StunRequest;
  readonly #schedule: RetransmissionSchedule;
  #state: StunTransactionState;

  /** Due at once: the request leaves with the first `handleTimeout`. */
  constructor(request: StunRequest, now: Instant) {
    this.#request = request;
    this.#schedule = request.schedule ?? STANDARD_SCHEDULE;
    this.#state = { kind: 'unsent', dueAt: now };
  }

  get state(): StunTransactionState {
    return this.#state;
  }

  /**
   * True if the message answers this transaction: a response with its id, from where the answer is expected. Anything
   * else (another id, another source, a second answer) changes nothing.
   */
  handleMessage(message: StunMessage, from: Endpoint, now: Instant): boolean {
    if (this.#state.kind !== 'waiting') return false;
    if (message.class !== 'success' && message.class !== 'error') return false;
    if (!bytesEqual(message.transactionId, this.#request.transactionId)) return false;
    if (!this.#isExpectedSource(from)) return false;
    this.#state = { kind: 'answered', message, rtt: durationBetween(this.#state.lastSentAt, now) };
    return true;
  }

  handleTimeout(now: Instant, out: StunOutput): void {
    const state = this.#state;
    if ((state.kind !== 'unsent' && state.kind !== 'waiting') || now < state.dueAt) return;
    const sent = state.kind === 'waiting' ? state.transmissions : 0;
    if (sent === this.#schedule.transmissions) {
      this.#state = { kind: 'timed-out' };
      return;
    }
    this.#state = {
      kind: 'waiting',
      transmissions: sent + 1,
      lastSentAt: now,
      dueAt: addDuration(now, this.#waitAfter(sent + 1)),
    };
    out.datagram(this.#request.bytes, this.#request.destination);
  }

  pollTimeout(): Wakeup | undefined {
    const state = this.#state;
    if (state.kind !== 'unsent' && state.kind !== 'waiting') return undefined;
    const step =
      state.kind === 'unsent'
        ? 'first request'
        : state.transmissions < this.#schedule.transmissions
          ? `request ${state.transmissions + 1} of ${this.#schedule.transmissions}`
          : 'giving up';
    return { at: state.dueAt, reason: `stun ${formatEndpoint(this.#request.destination)}: ${step}` };
  }

  #isExpectedSource(from: Endpoint): boolean {
    const { answersFrom, destination } = this.#request;
    return answersFrom ? answersFrom(from) : endpointsEqual(from, destination);
  }

  /** RTO, 2 RTO, 4 RTO… and Rm · RTO behind the last one. */
  #waitAfter(sent: number): Duration {
    const { initialTimeout, transmissions, finalWaitFactor } = this.#schedule;
    return milliseconds((sent < transmissions ? 2 ** (sent - 1) : finalWaitFactor) * initialTimeout);
  }
}

// "Answer me again in T": a second answer to the same Binding request, so that a node learns whether its NAT's mapping outlives
// a silence of T (RFC 5780 §4.6 asks for it with RESPONSE-PORT, which would aim answers at others). Sans-IO and bounded; used
// by BindingServer. The second answer goes where the first one went, and only if
//
//   - the request names a key by its id and is signed with it (MESSAGE-INTEGRITY-SHA256),
//   - it names, under that signature, the address that it comes from: a copy sent under another source is worth nothing,
//   - it is at least as long as both answers together,
//   - and neither its source nor its key has too many waiting.

import {
  addDuration,
  type Duration,
  encodeHex,
  type Endpoint,
  endpointsEqual,
  formatEndpoint,
  type Instant,
  milliseconds,
  minutes,
  sourceOf,
  type Wakeup,
} from '@shadownet/primitives';
import { encodeStunMessage } from './encoder.js';
import { type Hmac, verifyMessageIntegritySha256 } from './message-integrity.js';
import { findAttribute, mappedEndpoint, type StunMessage } from './stun-message.js';

export interface AnswerAgainKeys {
  /** The 32-byte key that goes with a 16-byte id, if there is one. */
  keyOf(id: Uint8Array): Uint8Array | undefined;
  /** HMAC-SHA256. */
  readonly hmac: Hmac;
}

export type AnswerAgainRefusal =
  'unknown-key' | 'forged' | 'other-source' | 'out-of-range' | 'request-too-short' | 'too-many-waiting';

/** What a second answer is waiting for. */
interface Waiting {
  readonly dueAt: Instant;
  readonly to: Endpoint;
  readonly socket: number;
  readonly transactionId: Uint8Array;
  readonly source: string;
  readonly keyId: string;
}

/** Two minutes are what RFC 4787 REQ-5 asks of a NAT; no keepalive needs to know of more than five. */
export const LONGEST_ANSWER_AGAIN = minutes(5);
const SHORTEST_ANSWER_AGAIN = milliseconds(1);

/** A round of tests asks for about ten at once. */
const MAX_WAITING_PER_SOURCE = 32;
const MAX_WAITING_PER_KEY = 16;
const MAX_WAITING = 4096;

export class AnswerAgainQueue {
  readonly #keys: AnswerAgainKeys;
  /** The next one last. */
  readonly #waiting: Waiting[] = [];

  constructor(keys: AnswerAgainKeys) {
    this.#keys = keys;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Takes the request, whose first answer is `answerBytes` long, or says why not. Taken twice it still waits once. */
  admit(
    request: { readonly message: StunMessage; readonly datagram: Uint8Array; readonly after: Duration },
    from: Endpoint,
    socket: number,
    answerBytes: number,
    now: Instant,
  ): { readonly ok: true } | { readonly ok: false; readonly reason: AnswerAgainRefusal } {
    const { message, datagram, after } = request;
    if (datagram.length < 2 * answerBytes) return refuse('request-too-short');
    if (after < SHORTEST_ANSWER_AGAIN || after > LONGEST_ANSWER_AGAIN) return refuse('out-of-range');
    const id = findAttribute(message, 'username')?.value;
    const key = id && this.#keys.keyOf(id);
    if (!key) return refuse('unknown-key');
    if (!verifyMessageIntegritySha256(datagram, key, this.#keys.hmac)) return refuse('forged');
    const claimed = mappedEndpoint(message);
    if (!claimed || !endpointsEqual(claimed, from)) return refuse('other-source');

    const waiting: Waiting = {
      dueAt: addDuration(now, after),
      to: from,
      socket,
      transactionId: Uint8Array.from(message.transactionId),
      source: sourceOf(from.address),
      keyId: encodeHex(id),
    };
    if (this.#waiting.some((known) => sameRequest(known, waiting))) return { ok: true };
    if (this.#isFull(waiting)) return refuse('too-many-waiting');
    let position = this.#waiting.length;
    while (position > 0 && this.#waiting[position - 1]!.dueAt < waiting.dueAt) position--;
    this.#waiting.splice(position, 0, waiting);
    return { ok: true };
  }

  /** Sends the answers that are due, each from the socket that the first one came from. */
  handleTimeout(now: Instant, out: { datagram(bytes: Uint8Array, to: Endpoint, socket: number): void }): void {
    for (let next = this.#waiting.at(-1); next && next.dueAt <= now; next = this.#waiting.at(-1)) {
      this.#waiting.pop();
      out.datagram(secondAnswer(next), next.to, next.socket);
    }
  }

  pollTimeout(): Wakeup | undefined {
    const next = this.#waiting.at(-1);
    return next && { at: next.dueAt, reason: `stun: answer ${formatEndpoint(next.to)} again` };
  }

  #isFull({ source, keyId }: Waiting): boolean {
    const count = (matches: (known: Waiting) => boolean): number => this.#waiting.filter(matches).length;
    return (
      this.#waiting.length >= MAX_WAITING ||
      count((known) => known.source === source) >= MAX_WAITING_PER_SOURCE ||
      count((known) => known.keyId === keyId) >= MAX_WAITING_PER_KEY
    );
  }
}

function refuse(reason: AnswerAgainRefusal): { readonly ok: false; readonly reason: AnswerAgainRefusal } {
  return { ok: false, reason };
}

function sameRequest(a: Waiting, b: Waiting): boolean {
  return (
    a.socket === b.socket &&
    endpointsEqual(a.to, b.to) &&
    a.transactionId.every((byte, i) => byte === b.transactionId[i])
  );
}

function secondAnswer({ to, transactionId }: Waiting): Uint8Array {
  return encodeStunMessage({
    class: 'success',
    transactionId,
    attributes: [
      { kind: 'xor-mapped-address', endpoint: to },
      { kind: 'answer-again', after: milliseconds(0) },
    ],
    fingerprint: false,
  });
}

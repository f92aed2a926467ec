// Probes and calls between two nodes, as one of them sends and opens them: each request with a fresh transaction and the next
// counter, each of the peer's taken once, each answer only to a request of ours. Used by path-agent.ts.

import type { CryptoProvider, RandomBytes } from '@shadownet/crypto';
import type { Duration, Instant, Path } from '@shadownet/primitives';
import { type StunMessage, TRANSACTION_ID_BYTES } from '@shadownet/stun';
import { type Call, encodeCall } from './call.js';
import { CounterWindow } from './counter-window.js';
import type { PathOutput } from './path-output.js';
import { type PendingProbe, PendingProbes, type ProbeAnswer } from './pending-probes.js';
import type { ProbeKeys } from './probe-keys.js';
import {
  encodeCallMessage,
  encodeProbeRequest,
  encodeProbeResponse,
  openProbe,
  PROBE_REQUEST_BYTES,
  type PathReport,
  type ProbeRejection,
} from './probe-message.js';

export interface ProbeExchangeOptions {
  readonly random: RandomBytes;
  readonly crypto: CryptoProvider;
  /** Stay the caller's, who zeroes them when nothing is sent any more. */
  readonly keys: ProbeKeys;
  /** Above every counter that this node has ever used towards the peer. */
  readonly firstCounter: bigint;
}

export interface ProbeKind {
  /** Of the whole request; the least if absent. */
  readonly bytes?: number;
  readonly isGuess?: boolean;
  readonly isPing?: boolean;
}

export type ProbeRefusal = ProbeRejection | Extract<ProbeAnswer, { ok: false }>['reason'] | 'replayed-counter';

export interface OpenedRequest {
  readonly kind: 'request';
  readonly transactionId: Uint8Array;
  /** Of the request. */
  readonly bytes: number;
}

export interface OpenedAnswer {
  readonly kind: 'answer';
  readonly probe: PendingProbe;
  readonly rtt: Duration;
  readonly report: PathReport | undefined;
}

export interface OpenedCall {
  readonly ok: true;
  readonly kind: 'call';
  readonly value: Uint8Array;
}

export type OpenedMessage =
  | ({ readonly ok: true } & OpenedRequest)
  | ({ readonly ok: true } & OpenedAnswer)
  | OpenedCall
  | { readonly ok: false; readonly reason: ProbeRefusal };

export class ProbeExchange {
  readonly #random: RandomBytes;
  readonly #crypto: CryptoProvider;
  readonly #keys: ProbeKeys;
  readonly #pending = new PendingProbes();
  readonly #countersSeen = new CounterWindow();
  #nextCounter: bigint;

  constructor({ random, crypto, keys, firstCounter }: ProbeExchangeOptions) {
    this.#random = random;
    this.#crypto = crypto;
    this.#keys = keys;
    this.#nextCounter = firstCounter;
  }

  /** Above every counter that was used towards the peer. */
  get nextCounter(): bigint {
    return this.#nextCounter;
  }

  sendRequest(path: Path, kind: ProbeKind, now: Instant, out: PathOutput): void {
    const { bytes = PROBE_REQUEST_BYTES, isGuess = false, isPing = false } = kind;
    const transactionId = this.#random(TRANSACTION_ID_BYTES);
    const request = encodeProbeRequest(this.#crypto, this.#keys, transactionId, this.#takeCounter(), bytes);
    this.#pending.add(transactionId, { path, sentAt: now, bytes: request.length, isGuess, isPing });
    out.datagram(request, path);
  }

  /** False, and nothing is sent, if the answer would be longer than the request. */
  sendResponse({ transactionId, bytes }: OpenedRequest, to: Path, report: PathReport, out: PathOutput): boolean {
    const response = encodeProbeResponse(this.#crypto, this.#keys, transactionId, to, report);
    if (response.length > bytes) return false;
    out.datagram(response, to);
    return true;
  }

  /** A message for a relay, or for the control server, to hand on. */
  encodeCall(call: Call): Uint8Array {
    const transactionId = this.#random(TRANSACTION_ID_BYTES);
    return encodeCallMessage(this.#crypto, this.#keys, transactionId, this.#takeCounter(), encodeCall(call));
  }

  /** What came, if it is authentic and fresh: then it is used up. */
  open(message: StunMessage, datagram: Uint8Array, from: Path, now: Instant): OpenedMessage {
    const opened = openProbe(this.#crypto, this.#keys, message, datagram);
    if (!opened.ok) return opened;
    const { transactionId } = message;
    if (opened.kind === 'response') {
      const answer = this.#pending.answer(transactionId, from, now);
      return answer.ok ? { ...answer, kind: 'answer', report: opened.report } : answer;
    }
    if (!this.#countersSeen.accept(opened.counter)) return { ok: false, reason: 'replayed-counter' };
    return opened.kind === 'call'
      ? { ok: true, kind: 'call', value: opened.value }
      : { ok: true, kind: 'request', transactionId, bytes: datagram.length };
  }

  /** A call that came by the control server, from where nothing else is to come. */
  openCall(
    message: StunMessage,
    datagram: Uint8Array,
  ): OpenedCall | { readonly ok: false; readonly reason: ProbeRefusal } {
    const opened = openProbe(this.#crypto, this.#keys, message, datagram);
    if (!opened.ok) return opened;
    if (opened.kind !== 'call') return { ok: false, reason: 'not-a-probe' };
    if (!this.#countersSeen.accept(opened.counter)) return { ok: false, reason: 'replayed-counter' };
    return { ok: true, kind: 'call', value: opened.value };
  }

  #takeCounter(): bigint {
    const counter = this.#nextCounter;
    this.#nextCounter += 1n;
    return counter;
  }
}

// Answers Binding requests with the address they came from (RFC 8489 §6.3, §12 "Basic Server Behavior"), where asked from
// another of its sockets (RFC 5780 §6.1), or a second time later (answer-again.ts). Sans-IO: the control server feeds it the
// datagrams of its STUN ports. It can't be made to amplify, to answer anybody but the sender, or to serve a flood from one source.

import { type Endpoint, type Instant, SourceRateLimiter, type Wakeup } from '@shadownet/primitives';
import { type AnswerAgainKeys, AnswerAgainQueue } from './answer-again.js';
import { AttributeType } from './attribute-types.js';
import { decodeStunMessage } from './decoder.js';
import { encodeStunMessage } from './encoder.js';
import { ServerSockets, type ServerSocket } from './server-sockets.js';
import {
  BINDING,
  findAttribute,
  type StunContentAttribute,
  type StunMessage,
  unknownRequiredTypes,
} from './stun-message.js';

export interface BindingServerOptions {
  /** Named in an answer if it is not longer than its request with it. */
  readonly software?: string;
  /** Requests per second answered for one IPv4 address or one IPv6 /64. Twice as many may come at once. */
  readonly maxPerSourcePerSecond: number;
  /** Sources remembered for that limit; 16,384 if absent, about 2 MB. */
  readonly maxSources?: number;
  /** What it listens on. One socket if absent. */
  readonly sockets?: readonly ServerSocket[];
  /** Who may ask for a second answer. Nobody if absent. */
  readonly answerAgain?: AnswerAgainKeys;
}

export interface BindingServerCounters {
  answered: number;
  /** Requests answered with an error: they require something that this server doesn't know, or does not do for anybody. */
  refused: number;
  /** Not STUN, malformed, or no Binding request. */
  ignored: number;
  rateLimited: number;
  answeredAgain: number;
  /** Requests for a second answer that got the first one only: not by a known key, or too many. */
  notAnsweredAgain: number;
}

export interface BindingServerOutput {
  /** A datagram of at most 100 bytes, owned by the receiver, to be sent from the socket of this index. */
  datagram(bytes: Uint8Array, to: Endpoint, socket: number): void;
}

/** No answer is longer. A minimal request has 20 bytes; with the headers of UDP and IPv4 no answer is thrice its request. */
export const MAX_ANSWER_BYTES = 100;

const DEFAULT_MAX_SOURCES = 16_384;

/** An UNKNOWN-ATTRIBUTES list may be cut short: the answer must stay small, and one known culprit suffices to learn it. */
const MAX_REPORTED_TYPES = 8;

const ONE_SOCKET: readonly ServerSocket[] = [{ host: 'primary', port: 0 }];

export class BindingServer {
  readonly #software: string | undefined;
  readonly #limiter: SourceRateLimiter;
  readonly #sockets: ServerSockets;
  readonly #again: AnswerAgainQueue | undefined;
  readonly counters: BindingServerCounters = {
    answered: 0,
    refused: 0,
    ignored: 0,
    rateLimited: 0,
    answeredAgain: 0,
    notAnsweredAgain: 0,
  };

  constructor({
    software,
    maxPerSourcePerSecond,
    maxSources = DEFAULT_MAX_SOURCES,
    sockets = ONE_SOCKET,
    answerAgain,
  }: BindingServerOptions) {
    this.#software = software;
    this.#sockets = new ServerSockets(sockets);
    this.#again = answerAgain && new AnswerAgainQueue(answerAgain);
    this.#limiter = new SourceRateLimiter({
      perSecond: maxPerSourcePerSecond,
      burst: 2 * maxPerSourcePerSecond,
      maxSources,
    });
  }

  /** For a server with one socket: what to send back (≤ 100 bytes, owned by the caller), or `undefined` to stay silent. */
  answer(datagram: Uint8Array, from: Endpoint, now: Instant): Uint8Array | undefined {
    let answer: Uint8Array | undefined;
    this.handleDatagram(datagram, from, 0, now, { datagram: (bytes) => (answer = bytes) });
    return answer;
  }

  /** A datagram that came to the socket of this index. Answers go to `from` and nowhere else. */
  handleDatagram(datagram: Uint8Array, from: Endpoint, socket: number, now: Instant, out: BindingServerOutput): void {
    const decoded = decodeStunMessage(datagram);
    if (!decoded.ok || decoded.message.class !== 'request' || decoded.message.method !== BINDING) {
      this.counters.ignored += 1;
      return;
    }
    if (!this.#limiter.admit(from.address, now)) {
      this.counters.rateLimited += 1;
      return;
    }
    const request = decoded.message;
    const unknown = unknownRequiredTypes(request);
    const change = findAttribute(request, 'change-request');
    const via = change ? this.#sockets.changed(socket, change) : socket;
    if (unknown.length > 0 || via === undefined) {
      const types = via === undefined ? [AttributeType.changeRequest, ...unknown] : unknown;
      return this.#refuse(request, datagram, types, from, socket, out);
    }
    if (via !== socket) return this.#answerFromElsewhere(request, datagram, from, socket, via, out);

    this.counters.answered += 1;
    const answer =
      this.#firstOfTwo(request, datagram, from, socket, now) ??
      this.#encode(request, datagram, 'success', [
        { kind: 'xor-mapped-address', endpoint: from },
        ...this.#ownAddresses(socket),
      ]);
    out.datagram(answer, from, socket);
  }

  handleTimeout(now: Instant, out: BindingServerOutput): void {
    this.#again?.handleTimeout(now, {
      datagram: (bytes, to, socket) => {
        this.counters.answeredAgain += 1;
        out.datagram(bytes, to, socket);
      },
    });
  }

  pollTimeout(): Wakeup | undefined {
    return this.#again?.pollTimeout();
  }

  /**
   * Whoever forges its source could make two of our addresses send to a victim: so the answer is no longer than the request,
   * which must have been padded, and is sent without anything that can be left out.
   */
  #answerFromElsewhere(
    request: StunMessage,
    datagram: Uint8Array,
    from: Endpoint,
    socket: number,
    via: number,
    out: BindingServerOutput,
  ): void {
    const attributes: StunContentAttribute[] = [{ kind: 'xor-mapped-address', endpoint: from }];
    const origin = this.#sockets.all[via]!.endpoint;
    if (origin) attributes.push({ kind: 'response-origin', endpoint: origin });
    const answer = encodeBare(request, 'success', attributes);
    if (answer.length > datagram.length) {
      return this.#refuse(request, datagram, [AttributeType.changeRequest], from, socket, out);
    }
    this.counters.answered += 1;
    out.datagram(answer, from, via);
  }

  #refuse(
    request: StunMessage,
    datagram: Uint8Array,
    types: readonly number[],
    from: Endpoint,
    socket: number,
    out: BindingServerOutput,
  ): void {
    this.counters.refused += 1;
    const attributes: StunContentAttribute[] = [
      { kind: 'error-code', code: 420, phrase: 'Unknown Attribute' },
      { kind: 'unknown-attributes', types: types.slice(0, MAX_REPORTED_TYPES) },
    ];
    out.datagram(this.#encode(request, datagram, 'error', attributes), from, socket);
  }

  /** Only a server with a second address offers RFC 5780's tests in full, and says so; others answer with less. */
  #ownAddresses(socket: number): StunContentAttribute[] {
    const origin = this.#sockets.all[socket]!.endpoint;
    const other = this.#sockets.otherAddress(socket);
    if (!origin || !other) return [];
    return [
      { kind: 'response-origin', endpoint: origin },
      { kind: 'other-address', endpoint: other },
    ];
  }

  /** The first answer of two, if the request asks for a second one that is granted. It says no more than it must. */
  #firstOfTwo(
    message: StunMessage,
    datagram: Uint8Array,
    from: Endpoint,
    socket: number,
    now: Instant,
  ): Uint8Array | undefined {
    const again = findAttribute(message, 'answer-again');
    if (!again || !this.#again) return undefined;
    const answer = encodeBare(message, 'success', [{ kind: 'xor-mapped-address', endpoint: from }, again]);
    const request = { message, datagram, after: again.after };
    if (this.#again.admit(request, from, socket, answer.length, now).ok) return answer;
    this.counters.notAnsweredAgain += 1;
    return undefined;
  }

  /** With SOFTWARE where that costs nothing. */
  #encode(
    request: StunMessage,
    datagram: Uint8Array,
    answer: 'success' | 'error',
    attributes: readonly StunContentAttribute[],
  ): Uint8Array {
    if (this.#software !== undefined) {
      const named = encodeBare(request, answer, [{ kind: 'software', description: this.#software }, ...attributes]);
      if (named.length <= Math.min(datagram.length, MAX_ANSWER_BYTES)) return named;
    }
    return encodeBare(request, answer, attributes);
  }
}

/** With FINGERPRINT if the request had one (RFC 8489 §6.3.1). */
function encodeBare(
  request: StunMessage,
  answer: 'success' | 'error',
  attributes: readonly StunContentAttribute[],
): Uint8Array {
  const fingerprint = findAttribute(request, 'fingerprint') !== undefined;
  return encodeStunMessage({ class: answer, transactionId: request.transactionId, attributes, fingerprint });
}

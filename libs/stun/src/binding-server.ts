// Answers Binding requests with the address they came from (RFC 8489 §6.3, §12 "Basic Server Behavior"). Sans-IO: the
// control server feeds it datagrams of its STUN ports. It can't be made to amplify or to serve a flood from one source.

import { type Endpoint, type Instant, SourceRateLimiter } from '@shadownet/primitives';
import { AttributeType } from './attribute-types.js';
import { decodeStunMessage } from './decoder.js';
import { encodeStunMessage } from './encoder.js';
import {
  BINDING,
  findAttribute,
  type StunContentAttribute,
  type StunMessage,
  unknownRequiredTypes,
} from './stun-message.js';

export interface BindingServerOptions {
  /** Named in answers where it fits. */
  readonly software?: string;
  /** Requests per second answered for one IPv4 address or one IPv6 /64. Twice as many may come at once. */
  readonly maxPerSourcePerSecond: number;
  /** Sources remembered for that limit; 16,384 if absent, about 2 MB. */
  readonly maxSources?: number;
}

export interface BindingServerCounters {
  answered: number;
  /** Requests answered with an error: they require something that this server doesn't know. */
  refused: number;
  /** Not STUN, malformed, or no Binding request. */
  ignored: number;
  rateLimited: number;
}

/** No answer is longer. A minimal request has 20 bytes, so even with UDP and IPv4 headers no answer is thrice its request. */
export const MAX_ANSWER_BYTES = 100;

const DEFAULT_MAX_SOURCES = 16_384;

/** An UNKNOWN-ATTRIBUTES list may be cut short: the answer must stay small, and one known culprit suffices to learn it. */
const MAX_REPORTED_TYPES = 8;

export class BindingServer {
  readonly #software: string | undefined;
  readonly #limiter: SourceRateLimiter;
  readonly counters: BindingServerCounters = { answered: 0, refused: 0, ignored: 0, rateLimited: 0 };

  constructor({ software, maxPerSourcePerSecond, maxSources = DEFAULT_MAX_SOURCES }: BindingServerOptions) {
    this.#software = software;
    this.#limiter = new SourceRateLimiter({
      perSecond: maxPerSourcePerSecond,
      burst: 2 * maxPerSourcePerSecond,
      maxSources,
    });
  }

  /** What to send back to `from` (≤ 100 bytes, owned by the caller), or `undefined` to stay silent. */
  answer(datagram: Uint8Array, from: Endpoint, now: Instant): Uint8Array | undefined {
    const decoded = decodeStunMessage(datagram);
    if (!decoded.ok || decoded.message.class !== 'request' || decoded.message.method !== BINDING) {
      this.counters.ignored += 1;
      return undefined;
    }
    if (!this.#limiter.admit(from.address, now)) {
      this.counters.rateLimited += 1;
      return undefined;
    }
    const unknown = requiredButUnsupported(decoded.message);
    if (unknown.length > 0) {
      this.counters.refused += 1;
      return this.#encode(decoded.message, 'error', [
        { kind: 'error-code', code: 420, phrase: 'Unknown Attribute' },
        { kind: 'unknown-attributes', types: unknown.slice(0, MAX_REPORTED_TYPES) },
      ]);
    }
    this.counters.answered += 1;
    return this.#encode(decoded.message, 'success', [{ kind: 'xor-mapped-address', endpoint: from }]);
  }

  /** With SOFTWARE if there is room, with FINGERPRINT if the request had one (RFC 8489 §6.3.1). */
  #encode(request: StunMessage, answer: 'success' | 'error', attributes: StunContentAttribute[]): Uint8Array {
    const content = {
      class: answer,
      transactionId: request.transactionId,
      attributes,
      fingerprint: findAttribute(request, 'fingerprint') !== undefined,
    };
    const plain = encodeStunMessage(content);
    if (this.#software === undefined) return plain;
    const named = encodeStunMessage({ ...content, software: this.#software });
    return named.length <= MAX_ANSWER_BYTES ? named : plain;
  }
}

/** A server without a second address must refuse CHANGE-REQUEST like an attribute it doesn't know (RFC 5780 §6.1). */
function requiredButUnsupported(request: StunMessage): number[] {
  const types = unknownRequiredTypes(request);
  return findAttribute(request, 'change-request') ? [AttributeType.changeRequest, ...types] : types;
}

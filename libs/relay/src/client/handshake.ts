// A client's attempt to connect over one link: hello until challenged, then connect until accepted (docs/relay.md). Each is
// sent a few times with growing distance. Used by RelayConnection.

import { type CryptoProvider, generatePrivateKey, type RandomBytes } from '@shadownet/crypto';
import { addDuration, bytesEqual, type Duration, durationBetween, type Instant } from '@shadownet/primitives';
import { FIRST_RETRANSMISSION, MAX_HANDSHAKE_TRANSMISSIONS, NONCE_BYTES } from '../constants.js';
import { FrameType } from '../frame.js';
import {
  type Acceptance,
  decodeChallenge,
  encodeConnect,
  encodeHello,
  openAccept,
  openRefuse,
  type Refusal,
} from '../handshake-frames.js';
import type { StaticKeys } from '../session-keys.js';

export interface HandshakeOptions {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly keys: StaticKeys;
  readonly ticket: Uint8Array;
}

export type HandshakeProgress =
  | { readonly kind: 'none' }
  /** `rtt` only if it is clear which hello was answered. */
  | { readonly kind: 'challenged'; readonly rtt: Duration | undefined }
  | { readonly kind: 'accepted'; readonly acceptance: Acceptance }
  | { readonly kind: 'refused'; readonly why: Refusal };

const NONE: HandshakeProgress = { kind: 'none' };

export class Handshake {
  readonly nonce: Uint8Array;
  readonly #options: HandshakeOptions;
  #frame: Uint8Array;
  #awaits: 'challenge' | 'accept' = 'challenge';
  #transmissions = 0;
  #sentAt: Instant | undefined;
  #nextAt: Instant;

  constructor(options: HandshakeOptions, now: Instant) {
    this.#options = options;
    this.nonce = options.random(NONCE_BYTES);
    this.#frame = encodeHello(this.nonce);
    this.#nextAt = now;
  }

  nextDeadline(): Instant {
    return this.#nextAt;
  }

  /** How often the current frame was sent. */
  get transmissions(): number {
    return this.#transmissions;
  }

  /** Writes what is due; false if nobody has answered for long enough. */
  handleTimeout(now: Instant, write: (frame: Uint8Array) => void): boolean {
    if (now < this.#nextAt) return true;
    if (this.#transmissions >= MAX_HANDSHAKE_TRANSMISSIONS) return false;
    this.#nextAt = addDuration(now, (FIRST_RETRANSMISSION * 2 ** this.#transmissions) as Duration);
    this.#transmissions++;
    this.#sentAt = now;
    write(this.#frame);
    return true;
  }

  /** Takes a frame of the handshake; the next one to send is written at once. */
  handle(frame: Uint8Array, now: Instant, write: (frame: Uint8Array) => void): HandshakeProgress {
    switch (frame[0]) {
      case FrameType.challenge:
        return this.#handleChallenge(frame, now, write);
      case FrameType.accept:
        return this.#handleAccept(frame);
      case FrameType.refuse:
        return this.#handleRefuse(frame);
      default:
        return NONE;
    }
  }

  #handleChallenge(frame: Uint8Array, now: Instant, write: (frame: Uint8Array) => void): HandshakeProgress {
    const challenge = decodeChallenge(frame);
    if (this.#awaits !== 'challenge' || !challenge || !bytesEqual(challenge.nonce, this.nonce)) return NONE;
    const { crypto, random, keys, ticket } = this.#options;
    const rtt = this.#transmissions === 1 ? durationBetween(this.#sentAt!, now) : undefined;
    const secret = generatePrivateKey(random);
    const ephemeral = crypto.privateKey(secret);
    secret.fill(0);
    this.#frame = encodeConnect(crypto, keys, ephemeral, challenge, ticket);
    ephemeral.zero();
    this.#awaits = 'accept';
    this.#transmissions = 0;
    this.#nextAt = now;
    this.handleTimeout(now, write);
    return { kind: 'challenged', rtt };
  }

  #handleAccept(frame: Uint8Array): HandshakeProgress {
    if (this.#awaits !== 'accept') return NONE;
    const acceptance = openAccept(this.#options.crypto, this.#options.keys, frame);
    return acceptance && bytesEqual(acceptance.nonce, this.nonce) ? { kind: 'accepted', acceptance } : NONE;
  }

  #handleRefuse(frame: Uint8Array): HandshakeProgress {
    if (this.#awaits !== 'accept') return NONE;
    const refusal = openRefuse(this.#options.crypto, this.#options.keys, frame);
    return refusal && bytesEqual(refusal.nonce, this.nonce) ? { kind: 'refused', why: refusal.why } : NONE;
  }
}

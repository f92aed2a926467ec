// Transport messages (whitepaper §5.4.6): an IP packet, padded with zeros to a multiple of 16 bytes within the MTU, sealed under a session key
// with the message counter as nonce. Layout in handshake/messages.ts.

import type { CryptoProvider } from '@shadownet/crypto';
import { AEAD_TAG_LENGTH, MAX_PACKET_LENGTH } from '../constants.js';
import { MESSAGE_TYPE, TRANSPORT_HEADER_LENGTH } from '../handshake/messages.js';
import type { SessionIndex } from '../session-index.js';

const PADDING_MULTIPLE = 16;
const NOTHING = new Uint8Array(0);

/** Seals and opens in buffers of its own: what it returns is valid until its next call. */
export class TransportCodec {
  readonly #crypto: CryptoProvider;
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  readonly #sealed = new Uint8Array(TRANSPORT_HEADER_LENGTH + MAX_PACKET_LENGTH + AEAD_TAG_LENGTH);
  readonly #sealedView = new DataView(this.#sealed.buffer);
  #opened = new Uint8Array(2048);
  /** Padding never makes a packet longer than this, lest it outgrow the path that the MTU was chosen for. */
  mtu = Infinity;

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  /** The whole message for a packet of 0…MAX_PACKET_LENGTH bytes; an empty one is a keepalive. */
  seal(key: Uint8Array, receiver: SessionIndex, counter: bigint, packet: Uint8Array): Uint8Array {
    const paddedLength = paddedLengthOf(packet.length, this.mtu);
    const bodyEnd = TRANSPORT_HEADER_LENGTH + paddedLength;
    this.#sealedView.setUint32(0, MESSAGE_TYPE.transport, true);
    this.#sealedView.setUint32(4, receiver, true);
    this.#sealedView.setBigUint64(8, counter, true);
    this.#sealed.set(packet, TRANSPORT_HEADER_LENGTH);
    this.#sealed.fill(0, TRANSPORT_HEADER_LENGTH + packet.length, bodyEnd);

    const plaintext = this.#sealed.subarray(TRANSPORT_HEADER_LENGTH, bodyEnd);
    const message = this.#sealed.subarray(0, bodyEnd + AEAD_TAG_LENGTH);
    this.#crypto.seal(key, this.#nonceOf(counter), plaintext, NOTHING, message.subarray(TRANSPORT_HEADER_LENGTH));
    return message;
  }

  /** The padded packet inside `sealedPacket` (packet and tag); `undefined` if it is forged. */
  open(key: Uint8Array, counter: bigint, sealedPacket: Uint8Array): Uint8Array | undefined {
    const length = sealedPacket.length - AEAD_TAG_LENGTH;
    if (length > this.#opened.length) this.#opened = new Uint8Array(length);
    const plaintext = this.#opened.subarray(0, length);
    return this.#crypto.open(key, this.#nonceOf(counter), sealedPacket, NOTHING, plaintext) ? plaintext : undefined;
  }

  /** Four zero bytes, then the counter in little-endian (RFC 8439's nonce as WireGuard fills it). */
  #nonceOf(counter: bigint): Uint8Array {
    this.#nonceView.setBigUint64(4, counter, true);
    return this.#nonce;
  }
}

/** A packet that is longer than the MTU, which has changed since, is not padded. */
function paddedLengthOf(length: number, mtu: number): number {
  const padded = Math.ceil(length / PADDING_MULTIPLE) * PADDING_MULTIPLE;
  return Math.max(length, Math.min(padded, mtu));
}

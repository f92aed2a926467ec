// The frames of connecting (docs/relay.md), written and read. What is read here is well-formed, not authentic.
//
//     hello       type, version, 0, 0, nonce 16, zeros to 64 bytes
//     challenge   type, version, 0, 0, nonce 16, cookie 24
//     connect     type, version, 0, 0, nonce 16, cookie 24, ephemeral 32, sealed { key 32, ticket } + 16, proof 16
//     accept      type, version, 0, 0, nonce 16, salt 16, instance 4, channel 2, keepalive s 2, lifetime s 4, tag 16
//     refuse      type, version, reason, 0, nonce 16, tag 16

import type { CryptoProvider, PrivateKey } from '@shadownet/crypto';
import { ByteReader, ByteWriter, type PublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import {
  COOKIE_BYTES,
  KEY_BYTES,
  MAX_TICKET_BYTES,
  NONCE_BYTES,
  RELAY_VERSION,
  SALT_BYTES,
  TAG_BYTES,
} from './constants.js';
import { FrameType } from './frame.js';
import { deriveIdentityKey, handshakeTag, type StaticKeys } from './session-keys.js';

const HELLO_BYTES = 64;
const CHALLENGE_BYTES = 4 + NONCE_BYTES + COOKIE_BYTES;
const SEAL_BYTES = 16;
const SEALED_AT = CHALLENGE_BYTES + KEY_BYTES;
const MIN_CONNECT_BYTES = SEALED_AT + KEY_BYTES + SEAL_BYTES + TAG_BYTES;
const ACCEPT_BYTES = 4 + NONCE_BYTES + SALT_BYTES + 12 + TAG_BYTES;
const REFUSE_BYTES = 4 + NONCE_BYTES + TAG_BYTES;
const ZERO_NONCE = new Uint8Array(12);

/** Why a proved key is not let in; by its place in this list. */
export const REFUSALS = [
  'unknown-key',
  'ticket-missing',
  'ticket-invalid',
  'ticket-expired',
  'relay-full',
  'revoked',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export function encodeHello(nonce: Uint8Array): Uint8Array {
  const writer = start(FrameType.hello).bytes(nonce);
  return writer.zeros(HELLO_BYTES - writer.length).view();
}

/** The nonce: a view. */
export function decodeHello(frame: Uint8Array): Uint8Array | undefined {
  if (frame.length !== HELLO_BYTES || !isVersion(frame)) return undefined;
  return frame.subarray(4, 4 + NONCE_BYTES);
}

export function encodeChallenge(nonce: Uint8Array, cookie: Uint8Array): Uint8Array {
  return start(FrameType.challenge).bytes(nonce).bytes(cookie).view();
}

export interface Challenge {
  readonly nonce: Uint8Array;
  readonly cookie: Uint8Array;
}

/** Views. */
export function decodeChallenge(frame: Uint8Array): Challenge | undefined {
  if (frame.length !== CHALLENGE_BYTES || !isVersion(frame)) return undefined;
  return readChallenge(frame);
}

/** `ephemeral` is a fresh key; `ticket` may be empty. */
export function encodeConnect(
  crypto: CryptoProvider,
  keys: StaticKeys,
  ephemeral: PrivateKey,
  { nonce, cookie }: Challenge,
  ticket: Uint8Array,
): Uint8Array {
  const ephemeralKey = publicKeyFromBytes(ephemeral.publicKey)!;
  const head = start(FrameType.connect).bytes(nonce).bytes(cookie).bytes(ephemeralKey).view();
  const identity = new ByteWriter().bytes(keys.client).bytes(ticket).view();
  const sealed = new Uint8Array(identity.length + SEAL_BYTES);
  const shared = ephemeral.sharedSecret(keys.relay)!;
  const key = deriveIdentityKey(crypto, shared, ephemeralKey, keys.relay);
  crypto.seal(key, ZERO_NONCE, identity, head, sealed);
  for (const secret of [shared, key]) secret.fill(0);
  const covered = new ByteWriter().bytes(head).bytes(sealed).view();
  return new ByteWriter()
    .bytes(covered)
    .bytes(handshakeTag(crypto, keys.connect, covered))
    .view();
}

/** Whether a frame may be a connect, and its challenge: before anything costly is done. */
export function decodeConnect(frame: Uint8Array): Challenge | undefined {
  const tooLong = frame.length > MIN_CONNECT_BYTES + MAX_TICKET_BYTES;
  if (frame.length < MIN_CONNECT_BYTES || tooLong || !isVersion(frame)) return undefined;
  return readChallenge(frame);
}

export interface OpenedIdentity {
  readonly client: PublicKey;
  readonly ticket: Uint8Array;
}

/** Who claims to connect; not proved until `verifyConnectProof`. */
export function openIdentity(
  crypto: CryptoProvider,
  relay: PrivateKey,
  relayKey: PublicKey,
  frame: Uint8Array,
): OpenedIdentity | undefined {
  const ephemeral = publicKeyFromBytes(frame.subarray(CHALLENGE_BYTES, SEALED_AT));
  const shared = ephemeral && relay.sharedSecret(ephemeral);
  if (!shared) return undefined;
  const key = deriveIdentityKey(crypto, shared, ephemeral, relayKey);
  const sealed = frame.subarray(SEALED_AT, frame.length - TAG_BYTES);
  const identity = new Uint8Array(sealed.length - SEAL_BYTES);
  const opened = crypto.open(key, ZERO_NONCE, sealed, frame.subarray(0, SEALED_AT), identity);
  for (const secret of [shared, key]) secret.fill(0);
  const client = opened ? publicKeyFromBytes(identity.subarray(0, KEY_BYTES)) : undefined;
  return client && { client, ticket: identity.subarray(KEY_BYTES) };
}

export function verifyConnectProof(crypto: CryptoProvider, keys: StaticKeys, frame: Uint8Array): boolean {
  return hasTag(crypto, keys.connect, frame);
}

export interface Acceptance {
  readonly nonce: Uint8Array;
  readonly salt: Uint8Array;
  /** Of the relay's process: channel numbers are its own. */
  readonly instance: number;
  /** The client's own. */
  readonly channel: number;
  readonly keepaliveSeconds: number;
  readonly lifetimeSeconds: number;
}

export function encodeAccept(crypto: CryptoProvider, keys: StaticKeys, acceptance: Acceptance): Uint8Array {
  const covered = start(FrameType.accept)
    .bytes(acceptance.nonce)
    .bytes(acceptance.salt)
    .u32be(acceptance.instance)
    .u16be(acceptance.channel)
    .u16be(acceptance.keepaliveSeconds)
    .u32be(acceptance.lifetimeSeconds)
    .view();
  return withTag(crypto, keys, covered);
}

/** Authentic, or undefined. */
export function openAccept(crypto: CryptoProvider, keys: StaticKeys, frame: Uint8Array): Acceptance | undefined {
  if (frame.length !== ACCEPT_BYTES || !isVersion(frame) || !hasTag(crypto, keys.accept, frame)) return undefined;
  const reader = new ByteReader(frame.subarray(4));
  return {
    nonce: reader.bytes(NONCE_BYTES),
    salt: reader.bytes(SALT_BYTES),
    instance: reader.u32be(),
    channel: reader.u16be(),
    keepaliveSeconds: reader.u16be(),
    lifetimeSeconds: reader.u32be(),
  };
}

export function encodeRefuse(crypto: CryptoProvider, keys: StaticKeys, nonce: Uint8Array, why: Refusal): Uint8Array {
  const covered = start(FrameType.refuse, REFUSALS.indexOf(why)).bytes(nonce).view();
  return withTag(crypto, keys, covered);
}

/** Authentic, or undefined. */
export function openRefuse(
  crypto: CryptoProvider,
  keys: StaticKeys,
  frame: Uint8Array,
): { readonly nonce: Uint8Array; readonly why: Refusal } | undefined {
  if (frame.length !== REFUSE_BYTES || !isVersion(frame) || !hasTag(crypto, keys.accept, frame)) return undefined;
  const why = REFUSALS[frame[2]!];
  return why && { nonce: frame.subarray(4, 4 + NONCE_BYTES), why };
}

function start(type: number, reason = 0): ByteWriter {
  return new ByteWriter().u8(type).u8(RELAY_VERSION).u8(reason).u8(0);
}

function isVersion(frame: Uint8Array): boolean {
  return frame[1] === RELAY_VERSION;
}

function readChallenge(frame: Uint8Array): Challenge {
  return { nonce: frame.subarray(4, 4 + NONCE_BYTES), cookie: frame.subarray(4 + NONCE_BYTES, CHALLENGE_BYTES) };
}

function withTag(crypto: CryptoProvider, keys: StaticKeys, covered: Uint8Array): Uint8Array {
  return new ByteWriter()
    .bytes(covered)
    .bytes(handshakeTag(crypto, keys.accept, covered))
    .view();
}

function hasTag(crypto: CryptoProvider, key: Uint8Array, frame: Uint8Array): boolean {
  const covered = frame.subarray(0, frame.length - TAG_BYTES);
  return crypto.equal(handshakeTag(crypto, key, covered), frame.subarray(frame.length - TAG_BYTES));
}

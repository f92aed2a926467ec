// The two messages of Noise_IKpsk2 as WireGuard uses it (whitepaper §5.4.2, §5.4.3), each step under its formula. S is a
// static key, E an ephemeral one, Q the preshared key; subscripts i and r are initiator and responder. These functions know
// the secrets and the order of the steps; message framing, MACs and what a timestamp means are their callers' business.
//
//   initiation body:  E_i (32) ‖ AEAD(S_i) (32 + 16) ‖ AEAD(payload) (n + 16)
//   response body:    E_r (32) ‖ AEAD(payload) (n + 16)

import type { CryptoProvider, PrivateKey } from '@shadownet/crypto';
import { concatBytes, encodeUtf8 } from '@shadownet/primitives';
import { AEAD_TAG_LENGTH, KEY_LENGTH } from '../constants.js';
import { SymmetricState } from './noise.js';

const IDENTIFIER = encodeUtf8('WireGuard v1 zx2c4 Jason@zx2c4.com');
const STATIC_END = KEY_LENGTH + KEY_LENGTH + AEAD_TAG_LENGTH;

/** The two keys of a finished handshake as one end uses them, 32 bytes each. Whoever stores them zeroes these. */
export interface TransportKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

/** What an initiator keeps while it waits for the response. */
export class PendingHandshake {
  constructor(
    readonly state: SymmetricState,
    readonly ephemeral: PrivateKey,
  ) {}

  zero(): void {
    this.state.zero();
    this.ephemeral.zero();
  }
}

/** An initiation of which the sender's identity is known, and not yet whether it is genuine. */
export interface OpenedInitiation {
  readonly state: SymmetricState;
  /** 32 bytes as they were sent. */
  readonly remoteStatic: Uint8Array;
  readonly remoteEphemeral: Uint8Array;
}

/** The initiator's first step. `undefined` if a shared secret comes out as zero: the remote key is of low order. */
export function writeInitiation(
  crypto: CryptoProvider,
  local: PrivateKey,
  remoteStatic: Uint8Array,
  staticShared: Uint8Array,
  ephemeral: PrivateKey,
  payload: Uint8Array,
  prologue: Uint8Array = IDENTIFIER,
): { body: Uint8Array; pending: PendingHandshake } | undefined {
  const ephemeralStatic = ephemeral.sharedSecret(remoteStatic);
  if (!ephemeralStatic) return undefined;

  // C = HASH(CONSTRUCTION); H = HASH(HASH(C ‖ IDENTIFIER) ‖ Spub_r)
  const state = SymmetricState.start(crypto, prologue, remoteStatic);
  // C = KDF1(C, Epub_i); msg.ephemeral = Epub_i; H = HASH(H ‖ msg.ephemeral)
  state.mixChainingKey(ephemeral.publicKey);
  state.mixHash(ephemeral.publicKey);
  // (C, κ) = KDF2(C, DH(Epriv_i, Spub_r)); msg.static = AEAD(κ, 0, Spub_i, H); H = HASH(H ‖ msg.static)
  const sealedStatic = state.seal(state.mixKey(ephemeralStatic), local.publicKey);
  // (C, κ) = KDF2(C, DH(Spriv_i, Spub_r)); msg.timestamp = AEAD(κ, 0, payload, H); H = HASH(H ‖ msg.timestamp)
  const sealedPayload = state.seal(state.mixKey(staticShared), payload);

  ephemeralStatic.fill(0);
  return {
    body: concatBytes(ephemeral.publicKey, sealedStatic, sealedPayload),
    pending: new PendingHandshake(state, ephemeral),
  };
}

/** The responder's first step: who claims to be calling. `undefined` if the message is not for us, or forged. */
export function readInitiationStatic(
  crypto: CryptoProvider,
  local: PrivateKey,
  body: Uint8Array,
  prologue: Uint8Array = IDENTIFIER,
): OpenedInitiation | undefined {
  const remoteEphemeral = body.slice(0, KEY_LENGTH);
  const ephemeralStatic = local.sharedSecret(remoteEphemeral);
  if (!ephemeralStatic) return undefined;

  // C = HASH(CONSTRUCTION); H = HASH(HASH(C ‖ IDENTIFIER) ‖ Spub_r)
  const state = SymmetricState.start(crypto, prologue, local.publicKey);
  // C = KDF1(C, msg.ephemeral); H = HASH(H ‖ msg.ephemeral)
  state.mixChainingKey(remoteEphemeral);
  state.mixHash(remoteEphemeral);
  // (C, κ) = KDF2(C, DH(Spriv_r, Epub_i)); Spub_i = AEAD⁻¹(κ, 0, msg.static, H); H = HASH(H ‖ msg.static)
  const remoteStatic = state.open(state.mixKey(ephemeralStatic), body.subarray(KEY_LENGTH, STATIC_END));
  ephemeralStatic.fill(0);
  if (!remoteStatic) {
    state.zero();
    return undefined;
  }
  return { state, remoteStatic, remoteEphemeral };
}

/** The responder's second step, with the static secret of the peer that was claimed: the payload, if it really is that peer. */
export function readInitiationPayload(
  opened: OpenedInitiation,
  staticShared: Uint8Array,
  body: Uint8Array,
): Uint8Array | undefined {
  // (C, κ) = KDF2(C, DH(Spriv_r, Spub_i)); payload = AEAD⁻¹(κ, 0, msg.timestamp, H); H = HASH(H ‖ msg.timestamp)
  const payload = opened.state.open(opened.state.mixKey(staticShared), body.subarray(STATIC_END));
  if (!payload) opened.state.zero();
  return payload;
}

/** The responder's answer, and its session keys. Ends `opened`. */
export function writeResponse(
  opened: OpenedInitiation,
  ephemeral: PrivateKey,
  presharedKey: Uint8Array,
  payload: Uint8Array,
): { body: Uint8Array; keys: TransportKeys; hash: Uint8Array } | undefined {
  const { state, remoteEphemeral, remoteStatic } = opened;
  const ephemeralEphemeral = ephemeral.sharedSecret(remoteEphemeral);
  const ephemeralStatic = ephemeral.sharedSecret(remoteStatic);
  if (!ephemeralEphemeral || !ephemeralStatic) {
    state.zero();
    return undefined;
  }

  // C = KDF1(C, Epub_r); msg.ephemeral = Epub_r; H = HASH(H ‖ msg.ephemeral)
  state.mixChainingKey(ephemeral.publicKey);
  state.mixHash(ephemeral.publicKey);
  // C = KDF1(C, DH(Epriv_r, Epub_i))
  state.mixChainingKey(ephemeralEphemeral);
  // C = KDF1(C, DH(Epriv_r, Spub_i))
  state.mixChainingKey(ephemeralStatic);
  // (C, τ, κ) = KDF3(C, Q); H = HASH(H ‖ τ); msg.empty = AEAD(κ, 0, payload, H); H = HASH(H ‖ msg.empty)
  const sealedPayload = state.seal(state.mixPresharedKey(presharedKey), payload);
  // (Tsend_i = Trecv_r, Trecv_i = Tsend_r) = KDF2(C, ε)
  const { initiatorToResponder, responderToInitiator } = state.split();

  ephemeralEphemeral.fill(0);
  ephemeralStatic.fill(0);
  return {
    body: concatBytes(ephemeral.publicKey, sealedPayload),
    keys: { send: responderToInitiator, receive: initiatorToResponder },
    hash: state.hash,
  };
}

/** The initiator's last step. `undefined` if the response is forged; `pending` is as good as before then. */
export function readResponse(
  pending: PendingHandshake,
  local: PrivateKey,
  presharedKey: Uint8Array,
  body: Uint8Array,
): { payload: Uint8Array; keys: TransportKeys; hash: Uint8Array } | undefined {
  const remoteEphemeral = body.subarray(0, KEY_LENGTH);
  const ephemeralEphemeral = pending.ephemeral.sharedSecret(remoteEphemeral);
  const staticEphemeral = local.sharedSecret(remoteEphemeral);
  if (!ephemeralEphemeral || !staticEphemeral) return undefined;

  const state = pending.state.clone();
  // C = KDF1(C, msg.ephemeral); H = HASH(H ‖ msg.ephemeral)
  state.mixChainingKey(remoteEphemeral);
  state.mixHash(remoteEphemeral);
  // C = KDF1(C, DH(Epriv_i, Epub_r))
  state.mixChainingKey(ephemeralEphemeral);
  // C = KDF1(C, DH(Spriv_i, Epub_r))
  state.mixChainingKey(staticEphemeral);
  // (C, τ, κ) = KDF3(C, Q); H = HASH(H ‖ τ); payload = AEAD⁻¹(κ, 0, msg.empty, H); H = HASH(H ‖ msg.empty)
  const payload = state.open(state.mixPresharedKey(presharedKey), body.subarray(KEY_LENGTH));
  ephemeralEphemeral.fill(0);
  staticEphemeral.fill(0);
  if (!payload) {
    state.zero();
    return undefined;
  }
  // (Tsend_i = Trecv_r, Trecv_i = Tsend_r) = KDF2(C, ε)
  const { initiatorToResponder, responderToInitiator } = state.split();
  return { payload, keys: { send: initiatorToResponder, receive: responderToInitiator }, hash: state.hash };
}

// What the control server signs of one key until one moment: tickets and revocations have this layout and differ by their version.
//
//     117 bytes: version 1, signer's key 16 (its first bytes), node's key 32, until 4 (Unix s, big-endian), signature 64

import type { Ed25519Signer, Ed25519Verifier } from '@shadownet/crypto';
import { ByteReader, ByteWriter, bytesEqual, type PublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import { KEY_BYTES } from './constants.js';

const NETWORK_BYTES = 16;
const SIGNATURE_BYTES = 64;
const SIGNED_BYTES = 1 + NETWORK_BYTES + KEY_BYTES + 4;

export const STATEMENT_BYTES = SIGNED_BYTES + SIGNATURE_BYTES;

export interface TicketSigner {
  /** 32 bytes: the Ed25519 key whose tickets and revocations count. */
  readonly publicKey: Uint8Array;
  readonly verifier: Ed25519Verifier;
}

export type OpenedStatement =
  | { readonly ok: true; readonly network: Uint8Array; readonly node: PublicKey; readonly until: number }
  | { readonly ok: false };

/** `until`: whole seconds since the Unix epoch. */
export function signStatement(version: number, signer: Ed25519Signer, node: PublicKey, until: number): Uint8Array {
  const network = signer.publicKey.subarray(0, NETWORK_BYTES);
  const signed = new ByteWriter(STATEMENT_BYTES).u8(version).bytes(network).bytes(node).u32be(until).view();
  return new ByteWriter(STATEMENT_BYTES).bytes(signed).bytes(signer.sign(signed)).view();
}

/** Of one of these signers, and of that version. */
export function openStatement(version: number, bytes: Uint8Array, signers: readonly TicketSigner[]): OpenedStatement {
  if (bytes.length !== STATEMENT_BYTES || bytes[0] !== version) return { ok: false };
  const reader = new ByteReader(bytes.subarray(1));
  const network = reader.bytes(NETWORK_BYTES);
  const node = publicKeyFromBytes(reader.bytes(KEY_BYTES));
  const until = reader.u32be();
  const signer = signers.find(({ publicKey }) => bytesEqual(publicKey.subarray(0, NETWORK_BYTES), network));
  if (!signer || !node) return { ok: false };
  const isSigned = signer.verifier.verify(bytes.subarray(0, SIGNED_BYTES), bytes.subarray(SIGNED_BYTES));
  return isSigned ? { ok: true, network, node, until } : { ok: false };
}

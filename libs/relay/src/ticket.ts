// Tickets: how a relay that stands alone knows whom to admit. The control server signs that a key belongs to its network, for a
// while; the network is the one of the signing key.
//
//     117 bytes: version 1, signer's key 16 (its first bytes), node's key 32, expires 4 (Unix s, big-endian), signature 64

import type { Ed25519Signer, Ed25519Verifier } from '@shadownet/crypto';
import {
  addDuration,
  ByteReader,
  ByteWriter,
  bytesEqual,
  encodeHex,
  type Instant,
  type PublicKey,
  publicKeyFromBytes,
  publicKeysEqual,
  seconds,
} from '@shadownet/primitives';
import { KEY_BYTES } from './constants.js';
import type { Admission, AdmissionResult } from './server/admission.js';

const VERSION = 1;
const NETWORK_BYTES = 16;
const SIGNATURE_BYTES = 64;
const SIGNED_BYTES = 1 + NETWORK_BYTES + KEY_BYTES + 4;
const TICKET_BYTES = SIGNED_BYTES + SIGNATURE_BYTES;

/** A ticket for `node` until `expiresAt`, in whole seconds since the Unix epoch. */
export function issueTicket(signer: Ed25519Signer, node: PublicKey, expiresAt: number): Uint8Array {
  const network = signer.publicKey.subarray(0, NETWORK_BYTES);
  const signed = new ByteWriter(TICKET_BYTES).u8(VERSION).bytes(network).bytes(node).u32be(expiresAt).view();
  return new ByteWriter(TICKET_BYTES).bytes(signed).bytes(signer.sign(signed)).view();
}

export interface TicketSigner {
  /** 32 bytes: the Ed25519 key whose tickets count. */
  readonly publicKey: Uint8Array;
  readonly verifier: Ed25519Verifier;
}

/** Admits whoever has a ticket of one of some signers. Used by the relay that stands alone. */
export class TicketAdmission implements Admission {
  /** @param wallSeconds the time of day in seconds since the Unix epoch, by which tickets end */
  constructor(
    private readonly signers: readonly TicketSigner[],
    private readonly wallSeconds: () => number,
  ) {}

  admit(client: PublicKey, ticket: Uint8Array, now: Instant): AdmissionResult {
    if (ticket.length === 0) return { ok: false, reason: 'ticket-missing' };
    if (ticket.length !== TICKET_BYTES || ticket[0] !== VERSION) return { ok: false, reason: 'ticket-invalid' };
    const reader = new ByteReader(ticket.subarray(1));
    const network = reader.bytes(NETWORK_BYTES);
    const node = publicKeyFromBytes(reader.bytes(KEY_BYTES));
    const left = seconds(reader.u32be() - this.wallSeconds());
    const signer = this.signers.find(({ publicKey }) => bytesEqual(publicKey.subarray(0, NETWORK_BYTES), network));
    const signature = ticket.subarray(SIGNED_BYTES);
    if (!signer || !node || !publicKeysEqual(node, client)) return { ok: false, reason: 'ticket-invalid' };
    if (!signer.verifier.verify(ticket.subarray(0, SIGNED_BYTES), signature)) {
      return { ok: false, reason: 'ticket-invalid' };
    }
    if (left <= 0) return { ok: false, reason: 'ticket-expired' };
    return { ok: true, network: encodeHex(network), until: addDuration(now, left) };
  }
}

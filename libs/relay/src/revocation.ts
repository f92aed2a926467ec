// Revocations: how a relay that stands alone hears at once that a node has been removed. The control server signs that the tickets of a
// key count no more; since each ticket has its end, "those that end by then" are all that were issued before.
//
//     117 bytes, as a ticket (ticket.ts), with version 2: version, signer's key 16, node's key 32, tickets' end 4, signature 64

import type { Ed25519Signer } from '@shadownet/crypto';
import { encodeHex, type PublicKey } from '@shadownet/primitives';
import { openStatement, signStatement, STATEMENT_BYTES, type TicketSigner } from './signed-statement.js';

const VERSION = 2;

export const REVOCATION_BYTES = STATEMENT_BYTES;

/** Voids the tickets of `node` that end at `ticketsUntil` or earlier: whole seconds since the Unix epoch. */
export function issueRevocation(signer: Ed25519Signer, node: PublicKey, ticketsUntil: number): Uint8Array {
  return signStatement(VERSION, signer, node, ticketsUntil);
}

export interface Revocation {
  /** As TicketAdmission names it. */
  readonly network: string;
  readonly node: PublicKey;
  readonly ticketsUntil: number;
}

/** Authentic, or undefined. May be shown any number of times: it says the same each time. */
export function openRevocation(bytes: Uint8Array, signers: readonly TicketSigner[]): Revocation | undefined {
  const opened = openStatement(VERSION, bytes, signers);
  return opened.ok ? { network: encodeHex(opened.network), node: opened.node, ticketsUntil: opened.until } : undefined;
}

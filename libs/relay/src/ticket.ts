// Tickets: how a relay that stands alone knows whom to admit. The control server signs that a key belongs to its network, for a
// while; the network is the one of the signing key. Layout: signed-statement.ts, version 1. A revocation (revocation.ts) voids them.

import type { Ed25519Signer } from '@shadownet/crypto';
import {
  addDuration,
  encodeHex,
  encodePublicKey,
  type Instant,
  type PublicKey,
  publicKeysEqual,
  seconds,
} from '@shadownet/primitives';
import type { Revocation } from './revocation.js';
import type { Admission, AdmissionResult } from './server/admission.js';
import { openStatement, signStatement, type TicketSigner } from './signed-statement.js';

const VERSION = 1;
/** Revocations that are remembered, each until the tickets that it voids have ended anyhow. */
const MAX_REVOCATIONS = 65_536;

/** A ticket for `node` until `expiresAt`, in whole seconds since the Unix epoch. */
export function issueTicket(signer: Ed25519Signer, node: PublicKey, expiresAt: number): Uint8Array {
  return signStatement(VERSION, signer, node, expiresAt);
}

/** Admits whoever has a ticket of one of some signers. Used by the relay that stands alone. */
export class TicketAdmission implements Admission {
  /** By network and key: tickets that end by then count no more. */
  readonly #voidUntil = new Map<string, number>();

  /** @param wallSeconds the time of day in seconds since the Unix epoch, by which tickets end */
  constructor(
    private readonly signers: readonly TicketSigner[],
    private readonly wallSeconds: () => number,
  ) {}

  admit(client: PublicKey, ticket: Uint8Array, now: Instant): AdmissionResult {
    if (ticket.length === 0) return { ok: false, reason: 'ticket-missing' };
    const opened = openStatement(VERSION, ticket, this.signers);
    if (!opened.ok || !publicKeysEqual(opened.node, client)) return { ok: false, reason: 'ticket-invalid' };
    const left = seconds(opened.until - this.wallSeconds());
    if (left <= 0) return { ok: false, reason: 'ticket-expired' };
    const network = encodeHex(opened.network);
    if (opened.until <= (this.#voidUntil.get(keyOf(network, client)) ?? 0)) return { ok: false, reason: 'revoked' };
    return { ok: true, network, until: addDuration(now, left) };
  }

  /** True if it is news: not one that is known, nor about tickets that have ended. The session of its node is the caller's to end. */
  revoke({ network, node, ticketsUntil }: Revocation): boolean {
    const key = keyOf(network, node);
    if (ticketsUntil <= this.wallSeconds() || ticketsUntil <= (this.#voidUntil.get(key) ?? 0)) return false;
    this.#forgetEnded();
    this.#voidUntil.set(key, ticketsUntil);
    return true;
  }

  #forgetEnded(): void {
    if (this.#voidUntil.size < MAX_REVOCATIONS) return;
    const now = this.wallSeconds();
    for (const [key, until] of this.#voidUntil) if (until <= now) this.#voidUntil.delete(key);
    for (const key of this.#voidUntil.keys()) {
      if (this.#voidUntil.size < MAX_REVOCATIONS) return;
      this.#voidUntil.delete(key);
    }
  }
}

function keyOf(network: string, node: PublicKey): string {
  return `${network} ${encodePublicKey(node)}`;
}

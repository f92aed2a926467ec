// POST /relay/v1/revocations: the control server tells that nodes have been removed (docs/relay.md). The relay asks nobody; what it is
// told counts by its signature, whoever brings it.

import type { IncomingMessage } from 'node:http';
import { Ed25519Verifier } from '@shadownet/crypto';
import { openRevocation, REVOCATION_BYTES, type Revocation, type TicketSigner } from '@shadownet/relay';

/** Revocations in one request. Checking a signature takes about 0.1 ms. */
const MAX_REVOCATIONS = 512;

export type RevocationsRead =
  | { readonly ok: true; readonly revocations: readonly Revocation[] }
  | { readonly ok: false; readonly reason: 'malformed' | 'not-signed' };

export class RevocationReader {
  readonly #signers: readonly TicketSigner[];

  constructor(ticketKeys: readonly Uint8Array[]) {
    this.#signers = ticketKeys.map((publicKey) => ({ publicKey, verifier: new Ed25519Verifier(publicKey) }));
  }

  /** The body of a request: revocations one after the other. All of them must be authentic. */
  async read(request: IncomingMessage): Promise<RevocationsRead> {
    const body = await readBounded(request);
    if (!body || body.length === 0 || body.length % REVOCATION_BYTES !== 0) return { ok: false, reason: 'malformed' };
    const revocations: Revocation[] = [];
    for (let at = 0; at < body.length; at += REVOCATION_BYTES) {
      const revocation = openRevocation(body.subarray(at, at + REVOCATION_BYTES), this.#signers);
      if (!revocation) return { ok: false, reason: 'not-signed' };
      revocations.push(revocation);
    }
    return { ok: true, revocations };
  }
}

/** Undefined if it is too long, or does not come whole. */
async function readBounded(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > MAX_REVOCATIONS * REVOCATION_BYTES) return undefined;
      parts.push(part);
    }
  } catch {
    return undefined;
  }
  return Uint8Array.from(Buffer.concat(parts));
}

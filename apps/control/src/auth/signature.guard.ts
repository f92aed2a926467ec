// Lets a request pass if the owner of the key that it names signed it, freshly. What the key may do is the route's matter;
// that the nonce is new is checked by SignedTransactions, together with what the request changes.

import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import {
  readRequestSignature,
  type SignatureHeaders,
  type SignatureRefusal,
  type SignedRequest,
  verifyRequest,
} from '@shadownet/contracts';
import type { CryptoProvider } from '@shadownet/crypto';
import { assertNever, encodePublicKey, parsePublicKey } from '@shadownet/primitives';
import type { Request } from 'express';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { ApiError } from '../http/api-error.js';
import { bodyOf } from '../http/json-body.js';
import { CRYPTO } from '../identity/identity.module.js';
import { setCaller } from './caller.js';
import { KeyRing } from './key-ring.js';

/** How far a node's clock may be off, in either direction. */
export const MAX_CLOCK_SKEW_MS = 300_000;

@Injectable()
export class SignatureGuard implements CanActivate {
  constructor(
    private readonly keyRing: KeyRing,
    @Inject(CRYPTO) private readonly crypto: CryptoProvider,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    const headers = signatureHeadersOf(request);

    const claimed = readRequestSignature(headers);
    if (!claimed.ok) throw refusal(claimed.reason);
    const publicKey = parsePublicKey(claimed.parameters.keyId);
    const keys = publicKey && this.keyRing.keysOf(publicKey);
    if (!keys) throw new ApiError('signature-invalid', 'keyid is not an X25519 public key.');

    const verified = verifyRequest(this.crypto, keys.request, signedPartsOf(request), headers);
    if (!verified.ok) throw refusal(verified.reason);

    // From here on the caller is known, and errors are signed for it.
    const keyText = encodePublicKey(publicKey);
    this.keyRing.remember(keyText, keys);
    const { created, nonce } = verified.parameters;
    setCaller(request, { publicKey: keyText, nonce, requestSignature: headers.signature!, keys });
    this.#requireFresh(created);
    return true;
  }

  #requireFresh(created: number): void {
    const now = this.clock.wall();
    if (Math.abs(now - created * 1000) <= MAX_CLOCK_SKEW_MS) return;
    throw new ApiError('signature-expired', 'Set the clock: it differs from the server’s by more than 300 s.', {
      server_time: formatTime(now),
    });
  }
}

function signatureHeadersOf({ headers }: Request): Partial<SignatureHeaders> {
  const found: Partial<Record<keyof SignatureHeaders, string>> = {};
  for (const name of ['content-digest', 'signature-input', 'signature'] as const) {
    const value = headers[name];
    if (typeof value === 'string') found[name] = value;
  }
  return found;
}

/** The request target is taken as it came, before any decoding: it is what the node signed. */
function signedPartsOf(request: Request): SignedRequest {
  const target = request.originalUrl;
  const queryAt = target.indexOf('?');
  return {
    method: request.method,
    path: queryAt === -1 ? target : target.slice(0, queryAt),
    query: queryAt === -1 ? '?' : target.slice(queryAt),
    body: bodyOf(request),
  };
}

function refusal(reason: SignatureRefusal): ApiError {
  switch (reason) {
    case 'signature-missing':
      return new ApiError('signature-missing', 'Signature, Signature-Input and Content-Digest are required.');
    case 'signature-malformed':
      return new ApiError('signature-invalid', 'Signature-Input is not of the one form that this server takes.');
    case 'digest-mismatch':
      return new ApiError('signature-invalid', 'Content-Digest is not that of the body.');
    case 'signature-mismatch':
      return new ApiError('signature-invalid', 'The signature does not match the request.');
    default:
      return assertNever(reason);
  }
}

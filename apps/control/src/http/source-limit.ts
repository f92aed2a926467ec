// The limit of requests per source address. It stands before everything that costs: reading the body, X25519, the database.

import type { SourceRateLimiter } from '@shadownet/primitives';
import type { RequestHandler } from 'express';
import { isAtAdminSocket } from '../auth/admin-socket.js';
import type { Clock } from '../clock.js';
import { ApiError } from './api-error.js';
import { clientOf } from './client.js';

/** A site of 100 nodes behind one address sends 50 heartbeats a second while somebody watches the dashboard. */
export const SOURCE_LIMITS = { perSecond: 100, burst: 400, maxSources: 16_384 } as const;

export function sourceLimit(limiter: SourceRateLimiter, clock: Clock): RequestHandler {
  return (request, _response, next) => {
    if (isAtAdminSocket(request)) return next();
    const { address } = clientOf(request);
    // Without an address the client has already gone.
    if (address && limiter.admit(address, clock.monotonic())) next();
    else next(new ApiError('rate-limited'));
  };
}

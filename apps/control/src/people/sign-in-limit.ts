// The limit per source on what costs a password hash or could be guessed at, far below that of other routes.

import { Inject, Injectable } from '@nestjs/common';
import { SourceRateLimiter } from '@shadownet/primitives';
import type { Request } from 'express';
import { isAtAdminSocket } from '../auth/admin-socket.js';
import { type Clock, CLOCK } from '../clock.js';
import { ApiError } from '../http/api-error.js';
import { clientOf } from '../http/client.js';

const LIMITS = { perSecond: 0.5, burst: 30, maxSources: 16_384 } as const;

@Injectable()
export class SignInLimit {
  readonly #limiter = new SourceRateLimiter(LIMITS);

  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  /** Throws ApiError `rate-limited`. */
  admit(request: Request): void {
    if (isAtAdminSocket(request)) return;
    const { address } = clientOf(request);
    if (!address || !this.#limiter.admit(address, this.clock.monotonic())) throw new ApiError('rate-limited');
  }
}

// /api/v1/oidc: out to the OpenID provider, and back with what it says.

import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access } from '../auth/access.js';
import { AuditLog } from '../audit/audit-log.js';
import { WriteQueue } from '../database/write-queue.js';
import { API } from '../http/routes.js';
import { Oidc, type PendingSignIn, type ProviderIdentity } from './oidc.js';
import { cookie, cookieOf, nameFor, sessionSecretOf, setSessionCookie } from './session-cookie.js';
import { Sessions } from './sessions.js';
import { SignInLimit } from './sign-in-limit.js';

const PENDING = 'shadownet-oidc';
const PENDING_SECONDS = 600;

@ApiTags('people')
@Controller(`${API}/oidc`)
@Access('anybody')
export class OidcController {
  constructor(
    private readonly oidc: Oidc,
    private readonly sessions: Sessions,
    private readonly audit: AuditLog,
    private readonly limit: SignInLimit,
    private readonly queue: WriteQueue,
  ) {}

  @Get('start')
  @ApiOperation({ summary: 'Sends the browser to the OpenID provider' })
  async start(@Req() request: Request, @Res() response: Response): Promise<void> {
    this.limit.admit(request);
    const { url, pending } = await this.oidc.begin();
    const kept = [pending.state, pending.nonce, pending.verifier].join('.');
    // Lax: the way back is a navigation from the provider's site.
    response.append('set-cookie', cookie(request, nameFor(request, PENDING), kept, PENDING_SECONDS, 'Lax'));
    response.set('cache-control', 'no-store').redirect(303, url.href);
  }

  /** The browser ends up at the dashboard, which says what went wrong by the query. */
  @Get('callback')
  @ApiOperation({ summary: 'Where the provider sends the browser back to' })
  async callback(@Req() request: Request, @Res() response: Response): Promise<void> {
    this.limit.admit(request);
    const pending = pendingOf(request);
    response.append('set-cookie', cookie(request, nameFor(request, PENDING), '', 0, 'Lax'));
    response.set('cache-control', 'no-store');
    const queryAt = request.originalUrl.indexOf('?');
    const outcome =
      pending && queryAt !== -1
        ? await this.oidc.finish(request.originalUrl.slice(queryAt), pending)
        : ({ ok: false, reason: 'not-proved' } as const);
    if (!outcome.ok) return response.redirect(303, `/?sign-in=${outcome.reason}`);
    const older = sessionSecretOf(request);
    if (older !== undefined) await this.sessions.end(older);
    setSessionCookie(request, response, await this.#beginSession(outcome.identity));
    response.redirect(303, '/');
  }

  #beginSession({ name, role, subject }: ProviderIdentity): Promise<string> {
    return this.queue.transaction(async (manager) => {
      const actor = `oidc:${name}`;
      await this.audit.record(manager, {
        actor,
        action: 'oidc.sign-in',
        subject: actor,
        after: { role, sub: subject },
      });
      return this.sessions.begin(manager, { kind: 'oidc', name, role });
    });
  }
}

function pendingOf(request: Request): PendingSignIn | undefined {
  const parts = cookieOf(request, nameFor(request, PENDING))?.split('.');
  if (parts?.length !== 3) return undefined;
  const [state, nonce, verifier] = parts as [string, string, string];
  return { state, nonce, verifier };
}

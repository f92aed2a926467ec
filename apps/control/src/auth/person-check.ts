// Finds out which person or program of theirs sends a request, by what the request proves.

import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { CONFIG, type ControlConfig } from '../config.js';
import { ApiError } from '../http/api-error.js';
import { originOf } from '../http/same-origin.js';
import { ApiTokens } from '../people/api-tokens.js';
import { sessionSecretOf } from '../people/session-cookie.js';
import { Sessions } from '../people/sessions.js';
import { isAtAdminSocket } from './admin-socket.js';
import type { Person } from './person.js';

const LOCAL: Person = { role: 'admin', actor: 'local' };
const ANYBODY: Person = { role: 'viewer', actor: 'anybody' };

@Injectable()
export class PersonCheck {
  constructor(
    private readonly sessions: Sessions,
    private readonly tokens: ApiTokens,
    @Inject(CONFIG) private readonly config: ControlConfig,
  ) {}

  /** Undefined if it proves nothing that counts here. Throws ApiError `cross-site`. */
  async personOf(request: Request): Promise<Person | undefined> {
    if (isAtAdminSocket(request)) return LOCAL;
    const { authorization } = request.headers;
    if (authorization !== undefined) return this.#byToken(authorization);
    return (await this.#bySession(request)) ?? (this.config.open ? ANYBODY : undefined);
  }

  async #byToken(authorization: string): Promise<Person | undefined> {
    const secret = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
    const token = secret === undefined ? undefined : await this.tokens.find(secret);
    return token && { role: token.role, actor: `token:${token.name}` };
  }

  async #bySession(request: Request): Promise<Person | undefined> {
    const secret = sessionSecretOf(request);
    const session = secret === undefined ? undefined : await this.sessions.find(secret);
    if (!session) return undefined;
    requireOwnPage(request);
    const { owner, role } = session;
    const actor = `${owner.kind}:${owner.name}`;
    return owner.kind === 'account' ? { role, actor, account: owner.name } : { role, actor };
  }
}

/** A cookie proves who the browser's user is, not that the user wants this: what changes something has to come from our page. */
function requireOwnPage(request: Request): void {
  if (request.method === 'GET' || request.method === 'HEAD' || originOf(request) === 'this-site') return;
  throw new ApiError('cross-site');
}

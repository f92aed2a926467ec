// /api/v1/session and /setup: how a person becomes signed in, and signs out.

import { Controller, Delete, Get, Header, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type Done,
  doneSchema,
  type PasswordChange,
  passwordChangeSchema,
  type SessionInfo,
  sessionInfoSchema,
  type Setup,
  type SetupLink,
  setupLinkSchema,
  setupSchema,
  type SignIn,
  signInSchema,
} from '@shadownet/contracts';
import type { Request, Response } from 'express';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { CalledBy, type Person } from '../auth/person.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { ApiError } from '../http/api-error.js';
import { clientOf } from '../http/client.js';
import { JsonBody } from '../http/json-body.js';
import { API } from '../http/routes.js';
import { originOf } from '../http/same-origin.js';
import { Accounts } from './accounts.js';
import { Oidc } from './oidc.js';
import { clearSessionCookie, sessionSecretOf, setSessionCookie } from './session-cookie.js';
import { Sessions } from './sessions.js';
import { SetupLinks } from './setup-links.js';
import { SignInAttempts } from './sign-in-attempts.js';
import { SignInLimit } from './sign-in-limit.js';
import { WriteQueue } from '../database/write-queue.js';

class SessionInfoDto extends createZodDto(sessionInfoSchema) {}
class SignInDto extends createZodDto(signInSchema) {}
class PasswordChangeDto extends createZodDto(passwordChangeSchema) {}
class SetupDto extends createZodDto(setupSchema) {}
class SetupLinkDto extends createZodDto(setupLinkSchema) {}
class DoneDto extends createZodDto(doneSchema) {}

@ApiTags('people')
@Controller(API)
export class SessionController {
  constructor(
    private readonly accounts: Accounts,
    private readonly sessions: Sessions,
    private readonly setupLinks: SetupLinks,
    private readonly attempts: SignInAttempts,
    private readonly limit: SignInLimit,
    private readonly oidc: Oidc,
    private readonly queue: WriteQueue,
    @Inject(CONFIG) private readonly config: ControlConfig,
  ) {}

  @Get('session')
  @Access('anybody')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Who is signed in, and how one can sign in' })
  @ApiOkResponse({ type: SessionInfoDto })
  async session(@Req() request: Request): Promise<SessionInfo> {
    const secret = sessionSecretOf(request);
    return this.#info(secret);
  }

  @Post('session')
  @Access('anybody')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Signs in with a password: the answer sets a cookie' })
  @ApiBody({ type: SignInDto })
  @ApiOkResponse({ type: SessionInfoDto })
  async signIn(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @JsonBody(signInSchema) { name: typed, password }: SignIn,
  ): Promise<SessionInfo> {
    this.#requireOwnPage(request);
    const name = typed.toLowerCase();
    await this.#verify(request, name, password);
    const secret = await this.queue.transaction((manager) => this.sessions.begin(manager, { kind: 'account', name }));
    return this.#signedIn(request, response, secret);
  }

  @Delete('session')
  @Access('anybody')
  @ApiOperation({ summary: 'Signs out: the session ends, for whoever has its cookie' })
  @ApiOkResponse({ type: DoneDto })
  async signOut(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<Done> {
    this.#requireOwnPage(request);
    const secret = sessionSecretOf(request);
    if (secret !== undefined) await this.sessions.end(secret);
    clearSessionCookie(request, response);
    response.set('clear-site-data', '"cookies", "storage"');
    return { success: true };
  }

  @Post('session/password')
  @Access('viewer')
  @HttpCode(200)
  @ApiOperation({ summary: 'Changes one’s own password, and ends one’s other sessions' })
  @ApiBody({ type: PasswordChangeDto })
  @ApiOkResponse({ type: DoneDto })
  async changePassword(
    @Req() request: Request,
    @CalledBy() person: Person,
    @JsonBody(passwordChangeSchema) { current, new: next }: PasswordChange,
  ): Promise<Done> {
    const secret = sessionSecretOf(request);
    if (person.account === undefined || secret === undefined) throw new ApiError('forbidden');
    await this.#verify(request, person.account, current);
    await this.accounts.changeOwnPassword(person.account, next, secret);
    return { success: true };
  }

  @Post('setup')
  @Access('anybody')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Uses the setup link up: makes an admin, and signs in as that' })
  @ApiBody({ type: SetupDto })
  @ApiOkResponse({ type: SessionInfoDto })
  async setup(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @JsonBody(setupSchema) setup: Setup,
  ): Promise<SessionInfo> {
    this.#requireOwnPage(request);
    this.limit.admit(request);
    return this.#signedIn(request, response, await this.setupLinks.use(setup));
  }

  @Post('setup/links')
  @Access('admin')
  @HttpCode(201)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'A new setup link, in place of an older one: for when a password is lost' })
  @ApiOkResponse({ type: SetupLinkDto })
  createSetupLink(@CalledBy() { actor }: Person): Promise<SetupLink> {
    return this.setupLinks.create(actor);
  }

  /** Throws ApiError `rate-limited` or `wrong-credentials`, the same for a name that nobody has. */
  async #verify(request: Request, name: string, password: string): Promise<void> {
    this.limit.admit(request);
    const { address } = clientOf(request);
    await this.attempts.begin(name, address);
    if (!(await this.accounts.verify(name, password))) throw new ApiError('wrong-credentials');
    await this.attempts.succeeded(name, address);
  }

  /** A foreign page must not sign its visitor in or out. Programs don't say where they come from, and are let in. */
  #requireOwnPage(request: Request): void {
    if (originOf(request) === 'another-site') throw new ApiError('cross-site');
  }

  /** An older session of the same browser ends. */
  async #signedIn(request: Request, response: Response, secret: string): Promise<SessionInfo> {
    const older = sessionSecretOf(request);
    if (older !== undefined) await this.sessions.end(older);
    setSessionCookie(request, response, secret);
    return this.#info(secret);
  }

  async #info(secret: string | undefined): Promise<SessionInfo> {
    const session = secret === undefined ? undefined : await this.sessions.find(secret);
    return {
      person: session
        ? { name: session.owner.name, role: session.role, has_password: session.owner.kind === 'account' }
        : null,
      open: this.config.open,
      setup_needed: !(await this.accounts.hasAdmin()),
      oidc: this.oidc.label,
    };
  }
}

// Signing in at an OpenID provider: authorization code flow with PKCE, state and nonce (OpenID Connect Core §3.1, RFC 7636).
// The server asks the issuer and hosts that the operator named, follows no redirect, and believes an ID token by its signature.

import { Inject, Injectable } from '@nestjs/common';
import type { Role } from '@shadownet/contracts';
import * as client from 'openid-client';
import { CONFIG, type ControlConfig } from '../config.js';
import { ApiError } from '../http/api-error.js';
import { type OidcConfig } from './oidc-config.js';
import { PublicOrigin } from './public-origin.js';

/** What the browser keeps while its user is at the provider. Each is 43 characters of base64url. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface ProviderIdentity {
  readonly subject: string;
  /** For people to read: the provider may let it change. */
  readonly name: string;
  readonly role: Role;
}

export type OidcOutcome =
  | { readonly ok: true; readonly identity: ProviderIdentity }
  /** The provider did not vouch for anybody, or not in answer to this browser; or whom it knows has no role here. */
  | { readonly ok: false; readonly reason: 'not-proved' | 'no-role' };

const CALLBACK = '/api/v1/oidc/callback';
const TIMEOUT_S = 10;
const MAX_NAME = 64;

@Injectable()
export class Oidc {
  readonly #config: OidcConfig | undefined;
  #discovered: Promise<client.Configuration> | undefined;

  constructor(
    @Inject(CONFIG) { oidc }: ControlConfig,
    private readonly origin: PublicOrigin,
  ) {
    this.#config = oidc;
  }

  /** What the provider is called; null if there is none. */
  get label(): string | null {
    return this.#config?.name ?? null;
  }

  /** Where to send the browser, and what it has to keep. Throws ApiError `not-found` or `unavailable`. */
  async begin(): Promise<{ url: URL; pending: PendingSignIn }> {
    const { scopes } = this.#require();
    const configuration = await this.#discover();
    const pending = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#redirectUri(),
      scope: scopes.join(' '),
      code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
      state: pending.state,
      nonce: pending.nonce,
    });
    if (!this.#mayReach(url)) throw new ApiError('unavailable', 'The sign-in provider names a page at another host.');
    return { url, pending };
  }

  /** `query` is that of the callback, with its question mark. Throws ApiError `not-found` or `unavailable`. */
  async finish(query: string, { state, nonce, verifier }: PendingSignIn): Promise<OidcOutcome> {
    const config = this.#require();
    const configuration = await this.#discover();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(this.#redirectUri() + query), {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims()!;
      const all = { ...(await moreClaims(configuration, config, tokens.access_token, claims)), ...claims };
      const role = roleOf(config, all[config.role_claim]);
      if (!role) return { ok: false, reason: 'no-role' };
      return { ok: true, identity: { subject: claims.sub, name: nameOf(all, claims.sub), role } };
    } catch (error) {
      if (error instanceof ApiError) throw error;
      return { ok: false, reason: 'not-proved' };
    }
  }

  #require(): OidcConfig {
    if (this.#config) return this.#config;
    throw new ApiError('not-found');
  }

  /** Once; after a failure, again at the next sign-in. */
  async #discover(): Promise<client.Configuration> {
    this.#discovered ??= this.#askIssuer();
    try {
      return await this.#discovered;
    } catch {
      this.#discovered = undefined;
      throw new ApiError('unavailable', 'The sign-in provider does not answer as it should.');
    }
  }

  async #askIssuer(): Promise<client.Configuration> {
    const { issuer, client_id: id, client_secret: secret } = this.#require();
    const configuration = await client.discovery(
      new URL(issuer),
      id,
      secret,
      secret === undefined ? client.None() : client.ClientSecretBasic(secret),
      {
        [client.customFetch]: (url, options) => this.#fetch(url, options as RequestInit),
        timeout: TIMEOUT_S,
        execute: [
          client.enableNonRepudiationChecks,
          ...(new URL(issuer).protocol === 'http:' ? [client.allowInsecureRequests] : []),
        ],
      },
    );
    return configuration;
  }

  /** A provider's document can name any URL: what it may make this server ask is decided here. */
  async #fetch(text: string, options: RequestInit): Promise<Response> {
    if (!this.#mayReach(new URL(text))) throw new Error('the provider names another host');
    return fetch(text, { ...options, redirect: 'error' });
  }

  #mayReach(url: URL): boolean {
    const { issuer: issuerText, hosts } = this.#require();
    const issuer = new URL(issuerText);
    return url.origin === issuer.origin || (url.protocol === 'https:' && hosts.includes(url.host));
  }

  #redirectUri(): string {
    return this.origin.url + CALLBACK;
  }
}

/** Many providers have the groups in the user-info answer only. */
async function moreClaims(
  configuration: client.Configuration,
  { role_claim: claim }: OidcConfig,
  accessToken: string,
  claims: client.IDToken,
): Promise<Record<string, unknown>> {
  if (claims[claim] !== undefined || configuration.serverMetadata().userinfo_endpoint === undefined) return {};
  return client.fetchUserInfo(configuration, accessToken, claims.sub);
}

function roleOf({ admins, viewers }: OidcConfig, claim: unknown): Role | undefined {
  const groups: unknown[] = [claim ?? []].flat();
  const isIn = (wanted: readonly string[]) => wanted.some((group) => groups.includes(group));
  if (isIn(admins)) return 'admin';
  return viewers.includes('*') || isIn(viewers) ? 'viewer' : undefined;
}

/** Printable ASCII, as the log of changes and the pages show it. */
function nameOf(claims: Record<string, unknown>, subject: string): string {
  const named = [claims['preferred_username'], claims['email'], subject].find(
    (name) => typeof name === 'string' && name.length <= MAX_NAME && /^[\x21-\x7e]+$/.test(name),
  );
  return typeof named === 'string' ? named : 'somebody';
}

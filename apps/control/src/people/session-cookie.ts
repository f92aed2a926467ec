// The cookie of a session. Over TLS its name begins with `__Host-`: browsers then take it from this host only, with Secure,
// and send it to no other (RFC 6265bis §4.1.3.2).

import type { Request, Response } from 'express';
import { clientOf } from '../http/client.js';
import { SESSION_LIFETIME_MS } from './sessions.js';

const NAME = 'shadownet-session';

/** Undefined if the request has none. */
export function sessionSecretOf(request: Request): string | undefined {
  return cookieOf(request, nameFor(request, NAME));
}

export function setSessionCookie(request: Request, response: Response, secret: string): void {
  const name = nameFor(request, NAME);
  response.append('set-cookie', cookie(request, name, secret, SESSION_LIFETIME_MS / 1000, 'Strict'));
}

export function clearSessionCookie(request: Request, response: Response): void {
  response.append('set-cookie', cookie(request, nameFor(request, NAME), '', 0, 'Strict'));
}

/** The cookie's value; undefined if it is absent, empty, or there twice. */
export function cookieOf({ headers }: Request, name: string): string | undefined {
  const values = (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 && values[0] !== '' ? values[0] : undefined;
}

export function nameFor(request: Request, name: string): string {
  return clientOf(request).secure ? `__Host-${name}` : name;
}

export function cookie(
  request: Request,
  name: string,
  value: string,
  maxAgeSeconds: number,
  sameSite: 'Strict' | 'Lax',
): string {
  const secure = clientOf(request).secure ? '; Secure' : '';
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${sameSite}${secure}`;
}

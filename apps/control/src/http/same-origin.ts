// Whether a browser sends a request from a page of this server. Cookies come along with what any page asks for, so where a
// cookie counts, the request must not be another page's (CSRF). SameSite of the cookie says the same; neither relies on the other.

import type { Request } from 'express';

export type RequestOrigin =
  | 'this-site'
  | 'another-site'
  /** No browser, or one that does not tell. */
  | 'unknown';

export function originOf({ headers }: Request): RequestOrigin {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' ? 'this-site' : 'another-site';
  if (headers.origin === undefined) return 'unknown';
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host ? 'this-site' : 'another-site';
}

// Another place to sign in: an OpenID provider, as the operator's file describes it (--oidc FILE).

import { readFileSync, statSync } from 'node:fs';
import { ipAddressScope, parseIpAddress } from '@shadownet/primitives';
import { z } from 'zod';
import { ControlError } from '../control-error.js';

const groupsSchema = z.array(z.string().min(1).max(300)).default([]);

const fileSchema = z.strictObject({
  /** As the provider names itself, to the letter. */
  issuer: z.url().refine(isSafe, 'expected https, or http at a loopback address'),
  client_id: z.string().min(1),
  /** Absent: a public client, which PKCE alone protects. */
  client_secret: z.string().min(1).optional(),
  /** What the sign-in page calls it. */
  name: z.string().min(1).max(40).default('OpenID'),
  scopes: z.array(z.string().regex(/^[\x21-\x7e]+$/)).default(['openid', 'profile', 'email']),
  /** Which claim decides on the role; its value is a text or a list of such. */
  role_claim: z.string().default('groups'),
  /** Values that make an admin; else values that make a viewer, `*` for everybody whom the provider knows. */
  admins: groupsSchema,
  viewers: groupsSchema,
  /** Hosts besides the issuer's own that its endpoints may lie at, with their ports where not 443. */
  hosts: z.array(z.string()).default([]),
});
export type OidcConfig = z.infer<typeof fileSchema>;

/** Throws ControlError `bad-config` or `exposed-files`. */
export function readOidcFile(path: string): OidcConfig {
  let content: unknown;
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new ControlError('exposed-files', `--oidc ${path} is open to other users: run chmod 600 ${path}`);
    }
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof ControlError) throw error;
    // What a JSON parser complains of quotes the file, and the secret may be there.
    const reason = error instanceof SyntaxError ? 'not JSON' : error instanceof Error ? error.message : String(error);
    throw new ControlError('bad-config', `--oidc ${path}: ${reason}`);
  }
  const parsed = fileSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new ControlError('bad-config', `--oidc ${path}: ${z.prettifyError(parsed.error)}`);
}

/** Encrypted and authenticated, or not leaving this machine. */
function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)));
}

/** Only addresses: a name may lead anywhere. */
export function isLoopback(hostname: string): boolean {
  const address = parseIpAddress(hostname.replace(/^\[(.*)\]$/, '$1'));
  return address !== undefined && ipAddressScope(address) === 'loopback';
}

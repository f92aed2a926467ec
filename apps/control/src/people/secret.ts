// Secrets that the server makes for people and programs: 32 random bytes, of which it keeps the hash alone. A guess of 256 bits
// needs no slow hash.

import { createHash, randomBytes } from 'node:crypto';

/** 43 characters of base64url. */
export function makeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 in hexadecimal. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

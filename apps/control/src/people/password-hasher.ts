// Passwords become scrypt hashes (RFC 7914), `scrypt$N$r$p$salt$hash` with the last two in base64, and are compared with such.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '../http/api-error.js';

export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and three passes: as hard to guess as N = 2^17 with one pass, with a quarter of the memory at a time. */
export const PASSWORD_COST: ScryptCost = { N: 2 ** 15, r: 8, p: 3 };

/** The injection token of the ScryptCost of new hashes. */
export const SCRYPT_COST = Symbol('SCRYPT_COST');

const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Of what is derived: 128 · N · r bytes, and some. */
const MAX_MEMORY_BYTES = 64 * 2 ** 20;
/** More than this many are refused: each takes a good part of a second. */
const MAX_WAITING = 32;

@Injectable()
export class PasswordHasher {
  /** One at a time: the database works in the same threads, and each takes 32 MiB. */
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** Of no password: what is compared with where there is no account, so that it takes as long. */
  readonly #nobody: string;

  constructor(@Inject(SCRYPT_COST) private readonly cost: ScryptCost) {
    this.#nobody = format(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    return format(this.cost, salt, await this.#derive(password, salt, this.cost));
  }

  /** False, after the same time, if there is no hash. Throws ApiError `unavailable`. */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const { cost, salt, hash } = parse(stored ?? this.#nobody);
    const isEqual = timingSafeEqual(await this.#derive(password, salt, cost), hash);
    return isEqual && stored !== undefined;
  }

  #derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
    if (this.#waiting >= MAX_WAITING) throw new ApiError('unavailable', 'Too many sign-ins at once.');
    this.#waiting += 1;
    const derived = this.#tail.then(() => derive(password, salt, cost)).finally(() => (this.#waiting -= 1));
    this.#tail = derived.catch(() => undefined);
    return derived;
  }
}

/** The same text typed on another keyboard may come in other code points (RFC 8265 §4.2). */
function derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, { ...cost, maxmem: MAX_MEMORY_BYTES }, (error, hash) =>
      error ? reject(error) : resolve(hash),
    );
  });
}

function format({ N, r, p }: ScryptCost, salt: Buffer, hash: Buffer): string {
  return ['scrypt', N, r, p, salt.toString('base64'), hash.toString('base64')].join('$');
}

function parse(stored: string): { cost: ScryptCost; salt: Buffer; hash: Buffer } {
  const [scheme, N, r, p, salt, hash] = stored.split('$');
  if (scheme !== 'scrypt' || hash === undefined) throw new Error('a stored password hash is damaged');
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  return { cost, salt: Buffer.from(salt!, 'base64'), hash: Buffer.from(hash, 'base64') };
}

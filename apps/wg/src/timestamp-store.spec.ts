import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex, type PublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import { Tai64nSource } from '@shadownet/wireguard';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { TimestampStore } from './timestamp-store.js';

let directory: string;
let failures: Error[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shadownet-wg-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  failures = [];
});

function open(): TimestampStore {
  return new TimestampStore(join(directory, 'state'), (error) => failures.push(error));
}

function key(number: number): PublicKey {
  const bytes = new Uint8Array(32).fill(9);
  new DataView(bytes.buffer).setUint16(0, number);
  return publicKeyFromBytes(bytes)!;
}

const KEY = key(1);
const FILE = `${encodeHex(KEY)}.timestamp`;

describe('the timestamp store', () => {
  it('holds what was reserved, for the next run and for nobody else to read', () => {
    expect(open().read(KEY)).toBe(0n);
    open().reserve(KEY, 1_767_225_600_000_000_000n);
    expect(open().read(KEY)).toBe(1_767_225_600_000_000_000n);
    expect(statSync(join(directory, 'state', FILE)).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, 'state'))).toEqual([FILE]);
    expect(failures).toEqual([]);
  });

  it('never goes back, whoever else uses it', () => {
    open().reserve(KEY, 200n);
    open().reserve(KEY, 100n);
    expect(open().read(KEY)).toBe(200n);
  });

  it('keeps timestamps rising over a restart on a machine whose clock went back', () => {
    const source = (wallNanoseconds: bigint): Tai64nSource => {
      const file = open();
      return new Tai64nSource({
        wallNanoseconds: () => wallNanoseconds,
        lastReserved: file.read(KEY),
        reserve: (until) => file.reserve(KEY, until),
      });
    };
    const before = Buffer.from(source(1_767_225_600_000_000_000n).next());
    const after = Buffer.from(source(0n).next());
    expect(Buffer.compare(after, before)).toBe(1);
  });

  it('keeps what one key reserved from other keys, and the wall clock of the day', () => {
    open().reserve(KEY, 200n);
    expect(open().read(key(2))).toBe(0n);
  });

  it('keeps 256 keys, those with the latest reservations', () => {
    for (let number = 0; number < 260; number++) open().reserve(key(number), BigInt(1000 - number));
    expect(readdirSync(join(directory, 'state'))).toHaveLength(256);
    expect([255, 256, 259].map((number) => open().read(key(number)))).toEqual([745n, 0n, 0n]);
    expect(failures).toEqual([]);
  });

  it('tells once of a file that makes no sense, and writes over it', () => {
    const file = open();
    file.reserve(KEY, 1n);
    writeFileSync(join(directory, 'state', FILE), 'yesterday\n');
    expect(file.read(KEY)).toBe(0n);
    file.reserve(KEY, 7n);
    expect(readFileSync(join(directory, 'state', FILE), 'utf8')).toBe('7\n');
    expect(failures).toHaveLength(1);
  });

  it('tells once of a place that cannot be written, and goes on', () => {
    writeFileSync(join(directory, 'state'), 'a file, not a folder');
    chmodSync(join(directory, 'state'), 0o400);
    const file = open();
    file.reserve(KEY, 1n);
    file.reserve(KEY, 2n);
    expect(failures).toHaveLength(1);
  });
});

import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tai64nSource } from '@shadownet/wireguard';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { TimestampFile } from './timestamp-file.js';

let directory: string;
let failures: Error[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shadownet-wg-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  failures = [];
});

function open(): TimestampFile {
  return new TimestampFile(join(directory, 'state'), 'wg0', (error) => failures.push(error));
}

describe('the timestamp file', () => {
  it('holds what was reserved, for the next run and for nobody else to read', () => {
    expect(open().read()).toBe(0n);
    open().reserve(1_767_225_600_000_000_000n);
    expect(open().read()).toBe(1_767_225_600_000_000_000n);
    expect(statSync(join(directory, 'state', 'wg0.timestamp')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, 'state'))).toEqual(['wg0.timestamp']);
    expect(failures).toEqual([]);
  });

  it('never goes back, whoever else uses it', () => {
    open().reserve(200n);
    open().reserve(100n);
    expect(open().read()).toBe(200n);
  });

  it('keeps timestamps rising over a restart on a machine whose clock went back', () => {
    const source = (wallNanoseconds: bigint): Tai64nSource => {
      const file = open();
      return new Tai64nSource({
        wallNanoseconds: () => wallNanoseconds,
        lastReserved: file.read(),
        reserve: (until) => file.reserve(until),
      });
    };
    const before = Buffer.from(source(1_767_225_600_000_000_000n).next());
    const after = Buffer.from(source(0n).next());
    expect(Buffer.compare(after, before)).toBe(1);
  });

  it('tells once of a file that makes no sense, and writes over it', () => {
    const file = open();
    file.reserve(1n);
    writeFileSync(join(directory, 'state', 'wg0.timestamp'), 'yesterday\n');
    expect(file.read()).toBe(0n);
    file.reserve(7n);
    expect(readFileSync(join(directory, 'state', 'wg0.timestamp'), 'utf8')).toBe('7\n');
    expect(failures).toHaveLength(1);
  });

  it('tells once of a place that cannot be written, and goes on', () => {
    writeFileSync(join(directory, 'state'), 'a file, not a folder');
    chmodSync(join(directory, 'state'), 0o400);
    const file = open();
    file.reserve(1n);
    file.reserve(2n);
    expect(failures).toHaveLength(1);
  });
});

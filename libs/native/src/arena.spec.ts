import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Arena, type PinnedBlock, processArena } from './arena.js';
import { koffi } from './koffi-loader.js';
import { libc } from './libc.js';

const ON_LINUX = process.platform === 'linux';

describe('Arena', () => {
  it('cuts aligned blocks that never overlap, whatever is allocated and released', () => {
    const step = fc.record({ length: fc.integer({ min: 1, max: 300_000 }), release: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const arena = newArena(64 * 1024 * 1024);
        const live: PinnedBlock[] = [];
        for (const { length, release } of steps) {
          const block = arena.allocate(length);
          expect(block.bytes.length).toBe(length);
          expect(block.address % 64).toBe(0);
          for (const other of live) expect(overlap(block, other)).toBe(false);
          if (release) arena.release(block);
          else live.push(block);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('hands a released block out again, zeroed, without pinning more', () => {
    const arena = newArena(1024 * 1024);
    const first = arena.allocate(1000);
    first.bytes.fill(0xff);
    const pinned = arena.pinnedBytes;
    arena.release(first);
    const second = arena.allocate(1020);
    expect(second.address).toBe(first.address);
    expect(second.bytes).toEqual(new Uint8Array(1020));
    expect(arena.pinnedBytes).toBe(pinned);
  });

  it('refuses to grow over its limit', () => {
    const arena = newArena(512 * 1024);
    arena.allocate(200_000);
    arena.allocate(200_000);
    expect(() => arena.allocate(200_000)).toThrow(expect.objectContaining({ code: 'arena-exhausted' }));
  });

  it('refuses a block without bytes', () => {
    expect(() => newArena(1024 * 1024).allocate(0)).toThrow(RangeError);
  });

  it.skipIf(!ON_LINUX)('keeps the addresses of its blocks while the heap around them is collected (Linux only)', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { eventfd, write, read, close } = libc();
    const blocks = Array.from({ length: 200 }, (_, i) => processArena().allocate(8 + 64 * (i % 40)));
    const descriptor = eventfd();
    for (let round = 0; round < 5; round++) {
      const garbage = Array.from({ length: 200 }, () => new ArrayBuffer(64 * 1024));
      expect(garbage).toHaveLength(200);
      collect();
    }
    for (const [i, block] of blocks.entries()) {
      expect(Number(koffi().address(block.bytes))).toBe(block.address);
      // The kernel reads a number from one block and writes it into the next, by their addresses.
      const answer = blocks[(i + 1) % blocks.length]!;
      asCounter(block)[0] = BigInt(i + 1);
      expect(write(descriptor, block, 8)).toBe(8);
      expect(read(descriptor, answer)).toBe(8);
      expect(asCounter(answer)[0]).toBe(BigInt(i + 1));
    }
    close(descriptor);
    for (const block of blocks) processArena().release(block);
  });
});

/** An arena whose chunks lie at made-up addresses, none of them aligned. */
function newArena(limitBytes: number): Arena {
  const addresses = new Map<ArrayBuffer, number>();
  let next = 0x7f00_0000_0008;
  return new Arena(limitBytes, (chunk) => {
    const known = addresses.get(chunk);
    if (known !== undefined) return known;
    const address = next;
    next += chunk.byteLength + 8;
    addresses.set(chunk, address);
    return address;
  });
}

function overlap(a: PinnedBlock, b: PinnedBlock): boolean {
  return a.address < b.address + b.bytes.length && b.address < a.address + a.bytes.length;
}

function asCounter(block: PinnedBlock): BigUint64Array {
  return new BigUint64Array(block.bytes.buffer, block.bytes.byteOffset, 1);
}

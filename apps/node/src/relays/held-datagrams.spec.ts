import { instant, publicKeyFromBytes, type RelayPath, relayPath } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { HeldDatagrams } from './held-datagrams.js';

const pathTo = (peer: number): RelayPath => {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, peer + 1);
  return relayPath('r', publicKeyFromBytes(key)!);
};

/** The first bytes of what leaves now, `count` of it at most. */
function retry(held: HeldDatagrams, now: number, count = Infinity): number[] {
  const sent: number[] = [];
  held.retry((_path, [first]) => sent.length < count && sent.push(first!) > 0, instant(now));
  return sent;
}

describe('datagrams that wait for a relay', () => {
  it('leave in order, as far as they can, and once', () => {
    const held = new HeldDatagrams();
    const reused = new Uint8Array(1);
    for (const byte of [1, 2, 3]) {
      reused[0] = byte;
      held.hold(pathTo(0), reused, instant(0));
    }
    expect(retry(held, 100, 2)).toEqual([1, 2]);
    expect(retry(held, 200)).toEqual([3]);
    expect(held.isEmpty).toBe(true);
  });

  it('are forgotten after two seconds', () => {
    const held = new HeldDatagrams();
    held.hold(pathTo(0), Uint8Array.of(1), instant(0));
    held.hold(pathTo(0), Uint8Array.of(2), instant(1000));
    expect(retry(held, 2000, 0)).toEqual([]);
    expect(retry(held, 2999)).toEqual([2]);
    expect(held.isEmpty).toBe(true);
  });

  it('are 32 for a peer, the latest, and of 256 peers', () => {
    const held = new HeldDatagrams();
    for (let byte = 0; byte < 40; byte++) expect(held.hold(pathTo(0), Uint8Array.of(byte), instant(0))).toBe(true);
    expect(retry(held, 1)).toEqual(Array.from({ length: 32 }, (_, i) => i + 8));
    for (let peer = 0; peer < 256; peer++) held.hold(pathTo(peer), Uint8Array.of(1), instant(0));
    expect(held.hold(pathTo(256), Uint8Array.of(1), instant(0))).toBe(false);
    expect(retry(held, 1)).toHaveLength(256);
  });
});

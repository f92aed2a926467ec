import { formatEndpoint, parseEndpoint, publicKeyFromBytes, relayPath, udpPath } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { sourceOf } from './path-source.js';

const keyOf = (byte: number) => publicKeyFromBytes(new Uint8Array(32).fill(byte))!;

describe('the source of a path', () => {
  it('is the remote endpoint, or an address that stands for the key of a relayed peer', () => {
    const remote = parseEndpoint('203.0.113.9:1000')!;
    expect(sourceOf(udpPath(remote))).toBe(remote);
    expect(formatEndpoint(sourceOf(relayPath('r1', keyOf(0x12))))).toBe('[100::1212:1212:1212:1212]:1');
    expect(sourceOf(relayPath('r2', keyOf(0x12)))).toEqual(sourceOf(relayPath('r1', keyOf(0x12))));
    expect(sourceOf(relayPath('r1', keyOf(0x13)))).not.toEqual(sourceOf(relayPath('r1', keyOf(0x12))));
  });
});

import { nobleCrypto } from '@shadownet/crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { TransportCodec } from './transport-message.js';

const KEY = new Uint8Array(32).fill(7);
/** Type, receiver, counter and tag. */
const OVERHEAD = 32;

let codec: TransportCodec;
beforeEach(() => {
  codec = new TransportCodec(nobleCrypto);
});

function sealedLength(length: number): number {
  return codec.seal(KEY, 1 as Parameters<TransportCodec['seal']>[1], 0n, new Uint8Array(length)).length - OVERHEAD;
}

describe('padding', () => {
  it('fills up to a multiple of 16', () => {
    expect([0, 1, 16, 17, 1420].map(sealedLength)).toEqual([0, 16, 16, 32, 1424]);
  });

  it('ends at the MTU, so that a full packet fits the path that the MTU was chosen for', () => {
    codec.mtu = 1420;
    expect([1400, 1408, 1409, 1420].map(sealedLength)).toEqual([1408, 1408, 1420, 1420]);
  });

  it('is left out for a packet longer than the MTU', () => {
    codec.mtu = 1280;
    expect([1279, 1281, 1420].map(sealedLength)).toEqual([1280, 1281, 1420]);
  });
});

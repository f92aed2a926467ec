import { parseEndpoint } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { traitsFromReflexive } from './nat-traits.js';

const seen = (...ports: number[]) => ports.map((port) => parseEndpoint(`203.0.113.9:${port}`)!);

describe('the traits of a NAT, from what STUN servers see', () => {
  it.each([
    ['nothing', seen(), 'unknown', { kind: 'unknown' }],
    ['one answer', seen(51820), 'unknown', { kind: 'unknown' }],
    ['our own port, twice', seen(51820, 51820), 'endpoint-independent', { kind: 'preserving' }],
    ['another port, twice', seen(4000, 4000), 'endpoint-independent', { kind: 'unknown' }],
    ['ports in a row', seen(4000, 4002, 4004), 'endpoint-dependent', { kind: 'sequential', step: 2 }],
    ['ports in a row downwards', seen(4000, 3999), 'endpoint-dependent', { kind: 'sequential', step: -1 }],
    ['ports far apart', seen(4000, 9000), 'endpoint-dependent', { kind: 'random' }],
    ['uneven steps', seen(4000, 4002, 4003), 'endpoint-dependent', { kind: 'random' }],
  ] as const)('%s', (_, endpoints, mapping, allocation) => {
    expect(traitsFromReflexive(endpoints, 51820)).toEqual({ mapping, allocation });
  });

  it('take ports of different addresses for no sequence', () => {
    const endpoints = ['203.0.113.9:4000', '203.0.113.10:4001'].map((text) => parseEndpoint(text)!);
    expect(traitsFromReflexive(endpoints, 51820).allocation).toEqual({ kind: 'random' });
  });
});

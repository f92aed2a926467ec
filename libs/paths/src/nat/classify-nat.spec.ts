// What the classifier says where a simulated NAT does not show it: noise, contradictions, and too little to go by.

import { milliseconds, parseEndpoint, parseIpAddress, seconds } from '@shadownet/primitives';
import type { NatSample } from '@shadownet/stun';
import { describe, expect, it } from 'vitest';
import { classifyNat } from './classify-nat.js';
import { describeNat } from './describe-nat.js';
import { portAllocation } from './port-allocation.js';

const at = (text: string) => parseEndpoint(text)!;
const LOCAL = [parseIpAddress('192.168.1.2')!];

/** What each of these servers saw of a socket; sockets are told apart by their local ports. */
function seen(...answers: readonly (readonly [localPort: number, server: string, mapped: string])[]): NatSample[] {
  const ports = [...new Set(answers.map(([port]) => port))];
  return answers.map(([localPort, server, mapped], order) => ({
    ...{ kind: 'mapping', socket: ports.indexOf(localPort), localPort, order },
    ...{ server: at(server), mapped: at(mapped), rtt: milliseconds(10) },
  }));
}
const lifetime = (idle: number, result: 'received' | 'silence'): NatSample => {
  return { kind: 'lifetime', idle: seconds(idle), result };
};

describe('classifyNat', () => {
  it('says blocked when no server answered', () => {
    expect(classifyNat([{ kind: 'no-mapping', server: at('203.0.113.10:3478') }], LOCAL)).toEqual({
      kind: 'udp-blocked',
    });
  });

  it('does not say how a NAT maps that one server saw', () => {
    const report = classifyNat(seen([4000, '203.0.113.10:3478', '203.0.113.21:4000']), LOCAL);
    expect(report).toMatchObject({ mapping: 'not-tested', filtering: 'not-tested', hairpin: 'not-tested' });
    expect(describeNat(report)).toContain('Only one STUN server answered');
  });

  it('expects the harder kind when only different addresses were asked', () => {
    const differing = seen(
      [4000, '203.0.113.10:3478', '203.0.113.21:4000'],
      [4000, '203.0.113.11:3478', '203.0.113.21:4001'],
    );
    const report = classifyNat(differing, LOCAL);
    expect(report).toMatchObject({ mapping: { dependence: 'address-and-port-dependent' } });
  });

  it('does not compare what different sockets got', () => {
    const report = classifyNat(
      seen([4000, '203.0.113.10:3478', '203.0.113.21:4000'], [4001, '203.0.113.11:3478', '203.0.113.21:4001']),
      LOCAL,
    );
    expect(report).toMatchObject({ mapping: 'not-tested' });
  });

  it('notices that a NAT has several addresses', () => {
    const report = classifyNat(
      seen([4000, '203.0.113.10:3478', '203.0.113.21:4000'], [4001, '203.0.113.10:3478', '203.0.113.22:4001']),
      LOCAL,
    );
    expect(report).toMatchObject({ pooling: 'arbitrary' });
  });

  it('is no NAT only where every server sees an address of the host', () => {
    const own = [parseIpAddress('203.0.113.21')!];
    const direct = seen([4000, '203.0.113.10:3478', '203.0.113.21:4000']);
    expect(classifyNat(direct, own).kind).toBe('no-nat');
    const both = [...direct, ...seen([4000, '203.0.113.11:3478', '198.51.100.1:4000'])];
    expect(classifyNat(both, own).kind).toBe('nat');
  });

  it.each([
    [[lifetime(10, 'received'), lifetime(60, 'received')], { atLeast: 60_000 }],
    [[lifetime(10, 'received'), lifetime(60, 'silence')], { atLeast: 10_000, below: 60_000 }],
    [[lifetime(10, 'silence')], { below: 10_000 }],
    // One of two answers got lost, or one came too late for its mapping: the shorter silence counts.
    [[lifetime(10, 'received'), lifetime(30, 'silence'), lifetime(60, 'received')], { atLeast: 10_000, below: 30_000 }],
  ])('takes the lifetime from %j', (samples, expected) => {
    const mapping = seen([4000, '203.0.113.10:3478', '203.0.113.21:4000']);
    expect(classifyNat([...mapping, ...samples], LOCAL)).toMatchObject({ lifetime: expected });
  });
});

describe('portAllocation', () => {
  /** One socket that got these ports, one destination after the other. */
  const ofOneSocket = (...ports: number[]) =>
    portAllocation(ports.map((mappedPort) => ({ socket: 0, localPort: 4000, mappedPort })));
  const ofManySockets = (...ports: readonly (readonly [number, number])[]) =>
    portAllocation(ports.map(([localPort, mappedPort], socket) => ({ socket, localPort, mappedPort })));

  it.each([
    ['is preserving', ofManySockets([4000, 4000], [4001, 4001], [4002, 4002]), { kind: 'preserving' }],
    [
      'is preserving though somebody had one of the ports',
      ofManySockets([1, 1], [2, 2], [3, 999]),
      { kind: 'preserving' },
    ],
    ['steps', ofManySockets([40, 1000], [50, 1002], [60, 1004]), { kind: 'sequential', step: 2 }],
    ['steps down', ofManySockets([40, 1000], [50, 999], [60, 998]), { kind: 'sequential', step: -1 }],
    ['steps, and others take ports in between', ofOneSocket(1000, 1001, 1004, 1005), { kind: 'sequential', step: 1 }],
    ['steps once the first port is preserved', ofOneSocket(4000, 4001, 4002, 4003), { kind: 'sequential', step: 1 }],
    ['is random', ofManySockets([1, 1000], [2, 30_000], [3, 12_345]), { kind: 'random' }],
    ['is random though two ports lie close', ofOneSocket(1000, 1001, 30_000, 12_345), { kind: 'random' }],
    ['is unknown after two', ofManySockets([1, 1000], [2, 1001]), { kind: 'unknown' }],
  ])('%s', (_what, allocation, expected) => {
    expect(allocation).toEqual(expected);
  });
});

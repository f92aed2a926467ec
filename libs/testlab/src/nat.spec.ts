import { type Endpoint, formatEndpoint, instant, parseEndpoint, parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { Nat, NatBehaviours, type NatBehaviour } from './nat.js';
import { SeededRandom } from './seeded-random.js';

const at = (text: string): Endpoint => parseEndpoint(text)!;
const inner = at('192.168.1.2:51820');
const server = at('203.0.113.10:3478');
const serverOtherPort = at('203.0.113.10:3479');
const stranger = at('203.0.113.99:1000');

const natOf = (behaviour: NatBehaviour) => new Nat(parseIpAddress('198.51.100.1')!, behaviour, new SeededRandom(1));
const outer = (port: number): Endpoint => at(`198.51.100.1:${port}`);
const t = (seconds: number) => instant(seconds * 1000);

describe('mapping (RFC 4787 §4.1)', () => {
  it.each([
    ['endpoint-independent', true, true],
    ['address-dependent', true, false],
    ['address-and-port-dependent', false, false],
  ] as const)('%s', (mapping, sameForOtherPort, sameForOtherAddress) => {
    const nat = natOf({ ...NatBehaviours.symmetric, mapping });
    const first = formatEndpoint(nat.outbound(inner, server, t(0)));
    expect(formatEndpoint(nat.outbound(inner, server, t(1)))).toBe(first);
    expect(formatEndpoint(nat.outbound(inner, serverOtherPort, t(1))) === first).toBe(sameForOtherPort);
    expect(formatEndpoint(nat.outbound(inner, stranger, t(1))) === first).toBe(sameForOtherAddress);
  });
});

describe('filtering (RFC 4787 §5)', () => {
  it.each([
    ['endpoint-independent', true, true],
    ['address-dependent', true, false],
    ['address-and-port-dependent', false, false],
  ] as const)('%s', (filtering, otherPort, otherAddress) => {
    const nat = natOf({ ...NatBehaviours.portRestricted, filtering });
    const { port } = nat.outbound(inner, server, t(0));
    expect(nat.inbound(server, outer(port), t(1))).toBe(inner);
    expect(nat.inbound(serverOtherPort, outer(port), t(1)) === inner).toBe(otherPort);
    expect(nat.inbound(stranger, outer(port), t(1)) === inner).toBe(otherAddress);
  });

  it('drops what comes to a port without a mapping, and keeps no trace of it', () => {
    const nat = natOf(NatBehaviours.fullCone);
    expect(nat.inbound(stranger, outer(51820), t(0))).toBeUndefined();
    expect(nat.mappings(t(0))).toBe(0);
    expect(nat.outbound(inner, server, t(0)).port).toBe(51820);
  });
});

describe('ports and lifetimes', () => {
  it('allocates sequentially, whoever asks, and over a port that is taken', () => {
    const nat = natOf({ ...NatBehaviours.symmetric, allocation: { kind: 'sequential', step: 2 } });
    const first = nat.outbound(inner, server, t(0)).port;
    const other = at('192.168.1.3:51820');
    expect(nat.outbound(other, server, t(0)).port).toBe(first + 2);
    expect(nat.outbound(inner, stranger, t(0)).port).toBe(first + 4);
    expect(nat.outbound(inner, server, t(0)).port).toBe(first);
    nat.mapPort(at(`192.168.1.9:${first + 6}`), t(0));
    expect(nat.outbound(inner, serverOtherPort, t(0)).port).toBe(first + 7);
  });

  it('lets everybody in on a mapping that was asked for, and sends from it whatever the destination', () => {
    const nat = natOf(NatBehaviours.symmetric);
    const granted = nat.mapPort(inner, t(0));
    expect(formatEndpoint(granted)).toBe('198.51.100.1:51820');
    expect(nat.inbound(stranger, granted, t(0))).toBe(inner);
    expect(nat.outbound(inner, stranger, t(0))).toEqual(granted);
    expect(nat.outbound(inner, server, t(500))).toEqual(granted);
    nat.rebind();
    expect(nat.inbound(stranger, granted, t(500))).toBeUndefined();
  });

  it('forgets what expired, however many there were', () => {
    const nat = natOf(NatBehaviours.symmetric);
    for (let i = 0; i < 1000; i++) nat.outbound(inner, at(`203.0.113.9:${2000 + i}`), t(i));
    expect(nat.mappings(t(999))).toBe(120);
  });

  it('keeps the inner port unless it is taken', () => {
    const nat = natOf(NatBehaviours.portRestricted);
    expect(nat.outbound(inner, server, t(0)).port).toBe(51820);
    expect(nat.outbound(at('192.168.1.3:51820'), server, t(0)).port).toBe(51821);
  });

  it('lives on with traffic from inside, not with traffic from outside', () => {
    const nat = natOf(NatBehaviours.portRestricted);
    const { port } = nat.outbound(inner, server, t(0));
    nat.outbound(inner, server, t(100));
    expect(nat.inbound(server, outer(port), t(219))).toBe(inner);
    expect(nat.inbound(server, outer(port), t(220))).toBeUndefined();
  });

  it('closes for a remote that was not sent to any more, while the mapping lives', () => {
    const nat = natOf(NatBehaviours.portRestricted);
    const { port } = nat.outbound(inner, server, t(0));
    nat.outbound(inner, stranger, t(100));
    expect(nat.inbound(server, outer(port), t(150))).toBeUndefined();
    expect(nat.inbound(stranger, outer(port), t(150))).toBe(inner);
  });

  it('gives other ports after a rebinding and drops what comes to the old ones', () => {
    const nat = natOf(NatBehaviours.portRestricted);
    const { port } = nat.outbound(inner, server, t(0));
    nat.rebind();
    expect(nat.inbound(server, outer(port), t(1))).toBeUndefined();
    expect(nat.outbound(inner, server, t(1)).port).toBe(port + 1000);
  });
});

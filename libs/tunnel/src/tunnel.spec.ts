// The tunnel without a network: what it takes and refuses, and what it hands out. How tunnels find each other behind NATs is
// shown in test/simulation.

import type { NetworkMap, Peer } from '@shadownet/contracts';
import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { PathAgent } from '@shadownet/paths';
import {
  encodePublicKey,
  formatEndpoint,
  formatIpPrefix,
  instant,
  parseEndpoint,
  type PublicKey,
  publicKeyFromBytes,
  remoteOf,
  Secret,
  udpPath,
} from '@shadownet/primitives';
import { Tai64nSource } from '@shadownet/wireguard';
import { describe, expect, it, vi } from 'vitest';
import { PeerLink } from './peer-link.js';
import { Tunnel } from './tunnel.js';
import type { TunnelEvent, TunnelOutput } from './tunnel-types.js';

const NOW = instant(1_000);

/** Counts up: reproducible, and different at each call. */
function countingBytes(seed: number) {
  let next = seed;
  return (length: number): Uint8Array => Uint8Array.from({ length }, () => (next = (next * 73 + 41) & 0xffff) >> 3);
}

function tunnel(seed = 1): Tunnel {
  const random = countingBytes(seed);
  const timestamps = new Tai64nSource({ wallNanoseconds: () => 1n, lastReserved: 0n, reserve: () => {} });
  const privateKey = Secret.own(generatePrivateKey(random));
  return new Tunnel({ crypto: nodeCrypto, random, timestamps, privateKey, firstProbeCounter: 1n }, NOW);
}

class Sent implements TunnelOutput {
  readonly to: string[] = [];
  readonly datagram: TunnelOutput['datagram'] = (_bytes, path) => void this.to.push(formatEndpoint(remoteOf(path)!));
  readonly packet: TunnelOutput['packet'] = () => {};
}

function publicKey(seed: number): PublicKey {
  return publicKeyFromBytes(nodeCrypto.privateKey(generatePrivateKey(countingBytes(seed))).publicKey)!;
}

function peer(key: PublicKey, changes: Partial<Peer> = {}): Peer {
  return {
    id: `id of ${encodePublicKey(key)}`,
    public_key: encodePublicKey(key),
    virtual_ip: '10.100.0.2',
    endpoint: null,
    candidates: [{ kind: 'host', ip: '192.168.1.2', port: 51820 }],
    hostname: 'b',
    os: 'Linux',
    allowed_ips: ['10.100.0.2/32'],
    online: true,
    last_heartbeat: null,
    ...changes,
  };
}

function map(peers: readonly Peer[], sequence = 1): NetworkMap {
  return { map_version: { epoch: 1, sequence }, network_cidr: '10.100.0.0/16', peers: [...peers] };
}

function events(tunnel: Tunnel): TunnelEvent['kind'][] {
  const kinds: TunnelEvent['kind'][] = [];
  for (let event = tunnel.pollEvent(); event; event = tunnel.pollEvent()) kinds.push(event.kind);
  return kinds;
}

describe('a tunnel', () => {
  it('takes private keys of 32 bytes only', () => {
    const timestamps = new Tai64nSource({ wallNanoseconds: () => 1n, lastReserved: 0n, reserve: () => {} });
    const privateKey = Secret.own(new Uint8Array(31));
    const options = { crypto: nodeCrypto, random: countingBytes(1), timestamps, privateKey, firstProbeCounter: 1n };
    expect(() => new Tunnel(options, NOW)).toThrow('32 bytes');
  });

  it('has nothing to do before it has peers or STUN servers', () => {
    expect(tunnel().pollTimeout()).toBeUndefined();
  });

  it('searches at once for a peer that is online, and says whom', () => {
    const out = new Sent();
    const node = tunnel();
    expect(node.updateNetworkMap(map([peer(publicKey(2))]), NOW, out)).toMatchObject({ ok: true, peers: 1, added: 1 });
    expect(out.to).toEqual(['192.168.1.2:51820']);
    expect(events(node)).toEqual(['search-started', 'call-by-control']);
    expect(node.pollTimeout()?.reason).toContain('path');
  });

  it('leaves a peer alone that is offline, until it comes back', () => {
    const out = new Sent();
    const node = tunnel();
    node.updateNetworkMap(map([peer(publicKey(2), { online: false })]), NOW, out);
    expect([out.to, node.pollTimeout()]).toEqual([[], undefined]);
    node.updateNetworkMap(map([peer(publicKey(2))], 2), NOW, out);
    expect(out.to).toHaveLength(1);
  });

  it('tells a peer that it looks for at once what was measured of our NAT', () => {
    const byRelay: Uint8Array[] = [];
    const out: TunnelOutput = {
      datagram: (bytes, path) => void (path.kind === 'relay' && byRelay.push(bytes)),
      packet: () => {},
    };
    const node = tunnel();
    node.updateNetworkMap(map([peer(publicKey(2)), peer(publicKey(3), { online: false })]), NOW, out);
    for (const seed of [2, 3]) node.setPeerRelay(publicKey(seed), 'eu', NOW, out);
    const before = byRelay.length;
    node.setNatTraits({ mapping: 'endpoint-dependent', allocation: { kind: 'random' } }, NOW, out);
    expect(byRelay).toHaveLength(before + 1);
  });

  it('searches for an offline peer that the host has a packet for, though not at every packet', () => {
    const out = new Sent();
    const node = tunnel();
    node.updateNetworkMap(map([peer(publicKey(2), { online: false })]), NOW, out);
    const packet = new Uint8Array(20);
    packet.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, 10, 100, 0, 1, 10, 100, 0, 2]);
    for (let count = 0; count < 5; count++) node.handlePacket(packet, NOW, out);
    expect(events(node)).toEqual(['search-started', 'call-by-control']);
    expect(out.to).toHaveLength(1);
  });

  it('probes no address of the mesh itself, of loopback or of its own', () => {
    const out = new Sent();
    const node = tunnel();
    node.setHostCandidates([parseEndpoint('192.168.1.2:51820')!], NOW, out);
    const candidates = ['10.100.0.9', '127.0.0.1', '224.0.0.1', '192.168.1.2'].map(
      (ip) => ({ kind: 'host', ip, port: 51820 }) as const,
    );
    node.updateNetworkMap(map([peer(publicKey(2), { candidates })]), NOW, out);
    expect(out.to).toEqual([]);
  });

  it('ignores its own key in a map, and counts it', () => {
    const node = tunnel(3);
    expect(node.updateNetworkMap(map([peer(publicKey(3))]), NOW, new Sent())).toMatchObject({ ok: true, peers: 0 });
    expect(node.status(NOW).counters).toEqual({ 'map-unfit-key': 1 });
  });

  it('takes a peer that a map names twice for one', () => {
    const node = tunnel();
    const twice = map([peer(publicKey(2)), peer(publicKey(2), { hostname: 'b2' })]);
    expect(node.updateNetworkMap(twice, NOW, new Sent())).toMatchObject({ ok: true, peers: 1 });
    expect(node.status(NOW).peers.map(({ hostname }) => hostname)).toEqual(['b2']);
  });

  it('describes its peers as the engine has them', () => {
    const node = tunnel();
    node.updateNetworkMap(
      map([peer(publicKey(2), { allowed_ips: ['10.100.0.2/32', '10.9.0.0/16'] })]),
      NOW,
      new Sent(),
    );
    const [described, ...others] = node.describePeers(() => 7n);
    expect(others).toEqual([]);
    expect(described).toMatchObject({ publicKey: publicKey(2), endpoint: undefined, lastHandshakeNanoseconds: 0n });
    expect(described!.allowedIps.map(formatIpPrefix)).toEqual(['10.100.0.2/32', '10.9.0.0/16']);
    expect(described!.presharedKey.expose()).toEqual(new Uint8Array(32));
  });

  it('looks at no more peers for a timer, a packet or a datagram if it has 2,000 of them', () => {
    const looks = [2, 2_000].map((count) => {
      const out = new Sent();
      const node = tunnel();
      const peers = Array.from({ length: count }, (_, i) => {
        const ip = `10.100.${i >> 8}.${i & 0xff}`;
        return peer(publicKey(2 + i), { virtual_ip: ip, allowed_ips: [`${ip}/32`], online: i === 1 });
      });
      expect(node.updateNetworkMap(map(peers), NOW, out)).toMatchObject({ peers: count });
      const asked = vi.spyOn(PeerLink.prototype, 'pollTimeout');
      const worked = vi.spyOn(PathAgent.prototype, 'handleTimeout');
      try {
        for (let wakeups = 0; wakeups < 20; wakeups++) {
          const { at } = node.pollTimeout()!;
          node.handleTimeout(at, out);
          node.handlePacket(Uint8Array.of(0x45), at, out);
          node.handleDatagram(Uint8Array.of(9), udpPath(parseEndpoint('203.0.113.66:1')!), at, out);
        }
        return asked.mock.calls.length + worked.mock.calls.length;
      } finally {
        vi.restoreAllMocks();
      }
    });
    expect(looks[0]).toBeGreaterThan(20);
    expect(looks[1]).toBe(looks[0]);
  });

  it('asks its STUN servers at once, and takes no answer from elsewhere', () => {
    const out = new Sent();
    const node = tunnel();
    node.setStunServers([parseEndpoint('203.0.113.10:3478')!], NOW, out);
    expect(out.to).toEqual(['203.0.113.10:3478']);
    expect([node.endpoint, node.reflexive]).toEqual([undefined, []]);
  });

  it('has no peers and sends nothing after it was closed', () => {
    const out = new Sent();
    const node = tunnel();
    node.updateNetworkMap(map([peer(publicKey(2))]), NOW, out);
    node.close(NOW);
    expect(node.status(NOW).peers).toEqual([]);
    expect(node.pollTimeout()).toBeUndefined();
  });

  it('counts what is neither WireGuard nor STUN', () => {
    const node = tunnel();
    node.handleDatagram(Uint8Array.of(9, 9, 9), udpPath(parseEndpoint('203.0.113.66:1')!), NOW, new Sent());
    expect(node.status(NOW).counters).toEqual({ 'datagram-unknown': 1 });
  });
});

// A `set` against a real device: what `wg set`, `setconf` and `syncconf` rely on.

import { nodeCrypto } from '@shadownet/crypto';
import {
  encodeHex,
  encodeUtf8,
  formatEndpoint,
  formatIpPrefix,
  milliseconds,
  type Secret,
  seconds,
} from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import { ipv4Packet, type SimulatedHost, SimulatedNetwork } from '../simulated-network.js';
import { applyPeerChanges, checkPeerChanges, describePeers } from './device-binding.js';
import { RequestReader } from './request-reader.js';
import { UapiErrno } from './uapi-errno.js';
import type { DeviceChange } from './uapi-request.js';

let network: SimulatedNetwork;
let alice: SimulatedHost;
let bob: SimulatedHost;
let carol: SimulatedHost;
const PSK = '5a'.repeat(32);

beforeEach(() => {
  network = new SimulatedNetwork(nodeCrypto);
  alice = network.host({ endpoint: '192.0.2.1:1000', maxPeers: 2 });
  bob = network.host({ endpoint: '192.0.2.2:2000' });
  carol = network.host({ endpoint: '192.0.2.3:3000' });
});

function parse(...lines: string[]): DeviceChange {
  const [request] = new RequestReader().push(encodeUtf8(['set=1', ...lines, '', ''].join('\n')));
  if (request?.kind !== 'set') throw new Error(JSON.stringify(request));
  return request.change;
}

function set(host: SimulatedHost, ...lines: string[]): void {
  applyPeerChanges(host.device, parse(...lines), host.publicKey, network.now, host);
}

function publicKey(host: SimulatedHost): string {
  return `public_key=${encodeHex(host.publicKey)}`;
}

function allowedIps(host: SimulatedHost, peer: SimulatedHost): string[] | undefined {
  return host.device.peerStatus(peer.publicKey)?.allowedIps.map(formatIpPrefix);
}

describe('a set', () => {
  it('adds a peer that can be talked to', () => {
    set(alice, publicKey(bob), 'endpoint=192.0.2.2:2000', 'allowed_ip=10.0.0.2/32', `preshared_key=${PSK}`);
    set(bob, publicKey(alice), 'allowed_ip=10.0.0.1/32', `preshared_key=${PSK}`);
    alice.sendPacket(ipv4Packet('10.0.0.1', '10.0.0.2', 9));
    network.run(seconds(1));
    expect(bob.receivedNumbers).toEqual([9]);
  });

  it('changes only the fields it names, and keeps the session', () => {
    set(alice, publicKey(bob), 'endpoint=192.0.2.2:2000', 'allowed_ip=10.0.0.2/32', `preshared_key=${PSK}`);
    set(bob, publicKey(alice), 'allowed_ip=10.0.0.1/32', `preshared_key=${PSK}`);
    alice.sendPacket(ipv4Packet('10.0.0.1', '10.0.0.2'));
    network.run(seconds(1));
    set(alice, publicKey(bob), 'persistent_keepalive_interval=21');
    const [peer] = describePeers(alice.device, () => 0n);
    expect(peer).toMatchObject({ persistentKeepalive: seconds(21), endpoint: bob.endpoint });
    expect(encodeHex(peer!.presharedKey.expose())).toBe(PSK);
    expect(allowedIps(alice, bob)).toEqual(['10.0.0.2/32']);
    expect(alice.device.peerStatus(bob.publicKey)?.session).toBe('established');
  });

  it('clears a preshared key by all zeros', () => {
    set(alice, publicKey(bob), `preshared_key=${PSK}`);
    set(alice, publicKey(bob), `preshared_key=${'0'.repeat(64)}`);
    expect(describePeers(alice.device, () => 0n)[0]!.presharedKey.expose()).toEqual(new Uint8Array(32));
  });

  it('adds, removes and replaces allowed IPs', () => {
    set(alice, publicKey(bob), 'allowed_ip=10.0.0.2/32', 'allowed_ip=10.0.1.0/24', 'allowed_ip=fd00::2/128');
    set(alice, publicKey(bob), 'allowed_ip=-10.0.1.0/24', 'allowed_ip=-10.9.9.9/32', 'allowed_ip=10.0.3.0/24');
    expect(allowedIps(alice, bob)).toEqual(['10.0.0.2/32', 'fd00::2/128', '10.0.3.0/24']);
    set(alice, publicKey(bob), 'replace_allowed_ips=true', 'allowed_ip=10.0.4.0/24');
    expect(allowedIps(alice, bob)).toEqual(['10.0.4.0/24']);
  });

  it('moves an allowed IP from one peer to another, and removes it only from its owner', () => {
    set(alice, publicKey(bob), 'allowed_ip=10.0.0.0/24', publicKey(carol), 'allowed_ip=10.0.0.0/24');
    expect(allowedIps(alice, bob)).toEqual([]);
    set(alice, publicKey(bob), 'allowed_ip=-10.0.0.0/24');
    expect(allowedIps(alice, carol)).toEqual(['10.0.0.0/24']);
  });

  it('with update_only does nothing to a peer that is not there', () => {
    set(alice, publicKey(bob), 'update_only=true', 'allowed_ip=10.0.0.2/32');
    expect(alice.device.hasPeer(bob.publicKey)).toBe(false);
    set(alice, publicKey(bob), publicKey(bob), 'update_only=true', 'allowed_ip=10.0.0.2/32');
    expect(allowedIps(alice, bob)).toEqual(['10.0.0.2/32']);
  });

  it('removes one peer, or all with replace_peers', () => {
    set(alice, publicKey(bob), publicKey(carol));
    set(alice, publicKey(bob), 'remove=true');
    expect(describePeers(alice.device, () => 0n).map(({ publicKey: key }) => key)).toEqual([carol.publicKey]);
    set(alice, 'replace_peers=true', publicKey(bob));
    expect(describePeers(alice.device, () => 0n).map(({ publicKey: key }) => key)).toEqual([bob.publicKey]);
  });

  it('skips the device itself as a peer', () => {
    set(alice, publicKey(alice), 'allowed_ip=0.0.0.0/0', publicKey(bob));
    expect(describePeers(alice.device, () => 0n).map(({ publicKey: key }) => key)).toEqual([bob.publicKey]);
  });

  it('is checked for room before anything of it is applied', () => {
    const dave = network.host({ endpoint: '192.0.2.4:4000' });
    const all = [publicKey(bob), publicKey(carol), publicKey(dave)];
    expect(checkPeerChanges(alice.device, parse(...all))).toBe(UapiErrno.ENOSPC);
    expect(checkPeerChanges(alice.device, parse(publicKey(bob), publicKey(carol), publicKey(bob)))).toBe(0);
    set(alice, publicKey(bob), publicKey(carol));
    expect(checkPeerChanges(alice.device, parse(publicKey(bob), publicKey(carol)))).toBe(0);
    expect(checkPeerChanges(alice.device, parse(publicKey(dave), 'update_only=true'))).toBe(0);
    expect(checkPeerChanges(alice.device, parse(publicKey(dave)))).toBe(UapiErrno.ENOSPC);
    expect(checkPeerChanges(alice.device, parse(publicKey(bob), 'remove=true', publicKey(dave)))).toBe(0);
    expect(checkPeerChanges(alice.device, parse('replace_peers=true', publicKey(bob), publicKey(dave)))).toBe(0);
  });

  it('zeroes the preshared keys that it was given', () => {
    const change = parse(publicKey(bob), `preshared_key=${PSK}`, publicKey(alice), `preshared_key=${PSK}`);
    applyPeerChanges(alice.device, change, alice.publicKey, network.now, alice);
    for (const peer of change.peers) {
      if (peer.kind === 'remove') throw new Error('unexpected');
      expect((peer.presharedKey as Secret).expose()).toEqual(new Uint8Array(32));
    }
    expect(encodeHex(alice.device.presharedKeyOf(bob.publicKey)!.expose())).toBe(PSK);
  });
});

describe('a description', () => {
  it('tells the wall time of the last handshake and the bytes', () => {
    alice.addPeer(bob, '10.0.0.2/32');
    bob.addPeer(alice, '10.0.0.1/32');
    alice.sendPacket(ipv4Packet('10.0.0.1', '10.0.0.2'));
    network.run(seconds(1));
    const [peer] = describePeers(alice.device, (at) => BigInt(at) + 1000n);
    expect(peer).toMatchObject({ lastHandshakeNanoseconds: 1020n, rxBytes: 92 });
    expect(formatEndpoint(peer!.endpoint!)).toBe('192.0.2.2:2000');
    expect(peer!.txBytes).toBeGreaterThan(148);
  });
});

describe('a device without a private key', () => {
  beforeEach(() => {
    alice.addPeer(bob, '10.0.0.2/32', { path: bob.path, persistentKeepalive: seconds(5) });
    bob.addPeer(alice, '10.0.0.1/32');
    network.run(seconds(1));
    expect(alice.device.peerStatus(bob.publicKey)?.session).toBe('established');
    alice.device.clearPrivateKey();
    network.sent.length = 0;
  });

  it('says nothing, not even keepalives or answers, and delivers nothing', () => {
    alice.sendPacket(ipv4Packet('10.0.0.1', '10.0.0.2'));
    bob.sendPacket(ipv4Packet('10.0.0.2', '10.0.0.1'));
    network.run(seconds(60));
    expect(network.sent.filter(({ from }) => from === alice.endpoint)).toEqual([]);
    expect(alice.received).toEqual([]);
    expect(alice.device.peerStatus(bob.publicKey)?.session).toBe('none');
  });

  it('talks again at once when it gets a key, and remembers its peers', () => {
    network.run(milliseconds(50));
    alice.device.setPrivateKey(alice.privateKey, network.now);
    network.run(milliseconds(50));
    expect(alice.device.peerStatus(bob.publicKey)?.session).toBe('established');
  });
});

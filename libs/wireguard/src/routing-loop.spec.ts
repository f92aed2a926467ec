// What a device sent, wrapped in UDP and handed back to it, as happens when a peer's endpoint lies inside the tunnel.

import { nodeCrypto } from '@shadownet/crypto';
import { type IpAddress, parseIpAddress, seconds } from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import { ipv4Packet, type SimulatedHost, SimulatedNetwork } from './simulated-network.js';

const ALICE = '10.0.0.1';
const BOB = '10.0.0.2';

let network: SimulatedNetwork;
let alice: SimulatedHost;
let bob: SimulatedHost;
beforeEach(() => {
  network = new SimulatedNetwork(nodeCrypto);
  alice = network.host({ endpoint: '192.0.2.1:1000' });
  bob = network.host({ endpoint: '192.0.2.2:2000' });
  alice.addPeer(bob, `${BOB}/32,fd00::2/128`);
  bob.addPeer(alice, `${ALICE}/32,fd00::1/128`);
  alice.sendPacket(ipv4Packet(ALICE, BOB, 1));
  network.run(seconds(1));
  alice.sendPacket(ipv4Packet(ALICE, BOB, 2));
});

function sentBy(host: SimulatedHost, type: number): Uint8Array {
  return network.sent.findLast(({ bytes, from }) => from === host.endpoint && bytes[0] === type)!.bytes;
}

describe('a packet that carries a message of this device', () => {
  it('is dropped, in IPv4 with and without options and in IPv6, so that nothing grows', () => {
    const sent = network.sent.length;
    for (const wrapped of [
      udp4(sentBy(alice, 4)),
      udp4(sentBy(alice, 4), 24),
      udp4(sentBy(alice, 4).subarray(0, 8)),
      udp6(sentBy(alice, 4)),
      udp4(inRelayFrame(sentBy(alice, 4))),
    ]) {
      expect(alice.sendPacket(wrapped)).toEqual({ ok: false, reason: 'routing-loop' });
    }
    expect(network.sent).toHaveLength(sent);
  });

  it('is dropped when the message is a handshake of ours', () => {
    alice.device.clearPrivateKey();
    alice.device.setPrivateKey(alice.privateKey, network.now);
    network.passes = () => false;
    alice.initiate(bob);
    expect(alice.sendPacket(udp4(sentBy(alice, 1)))).toEqual({ ok: false, reason: 'routing-loop' });
    expect(bob.sendPacket(udp4(sentBy(bob, 2)))).toMatchObject({ ok: false });
  });
});

describe('a packet that only resembles one', () => {
  it.each([
    [
      'a message of somebody else',
      () => udp4(Uint8Array.from(sentBy(alice, 4), (byte, i) => (i === 4 ? byte ^ 1 : byte))),
    ],
    ['an initiation of somebody else', () => udp4(Uint8Array.from(sentBy(bob, 2), (byte, i) => (i === 0 ? 1 : byte)))],
    [
      'reserved bytes that are not zero',
      () => udp4(Uint8Array.from(sentBy(alice, 4), (byte, i) => (i === 1 ? 1 : byte))),
    ],
    ['behind a header of another length', () => udp4(inRelayFrame(sentBy(alice, 4)).subarray(1))],
    ['in a relay’s frame of another type', () => udp4(inRelayFrame(sentBy(alice, 4), 0xd9))],
    ['a cut message', () => udp4(sentBy(alice, 4).subarray(0, 7))],
    ['another protocol than UDP', () => withByte(udp4(sentBy(alice, 4)), 9, 6)],
    ['a later fragment', () => withByte(udp4(sentBy(alice, 4)), 7, 1)],
    ['another protocol than UDP in IPv6', () => withByte(udp6(sentBy(alice, 4)), 6, 58)],
    ['nothing behind its header', () => ipv4Packet(ALICE, BOB, 0, 20)],
  ])('is sent: %s', (_, build) => {
    expect(alice.sendPacket(build())).toEqual({ ok: true });
  });

  it('is sent: a message of a session that is over', () => {
    const message = sentBy(alice, 4);
    alice.device.clearPrivateKey();
    alice.device.setPrivateKey(alice.privateKey, network.now);
    expect(alice.sendPacket(udp4(message))).toEqual({ ok: true });
  });
});

function udp4(payload: Uint8Array, headerLength = 20): Uint8Array {
  const packet = new Uint8Array(headerLength + 8 + payload.length);
  packet.set(ipv4Packet(ALICE, BOB, 0, 20));
  packet[0] = 0x40 | (headerLength / 4);
  packet[9] = 17;
  new DataView(packet.buffer).setUint16(2, packet.length);
  packet.set(payload, headerLength + 8);
  return packet;
}

function udp6(payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(48 + payload.length);
  packet[0] = 0x60;
  packet[6] = 17;
  new DataView(packet.buffer).setUint16(4, 8 + payload.length);
  const bytesOf = (text: string): Uint8Array => (parseIpAddress(text) as IpAddress).bytes;
  packet.set(bytesOf('fd00::1'), 8);
  packet.set(bytesOf('fd00::2'), 24);
  packet.set(payload, 48);
  return packet;
}

function withByte(packet: Uint8Array, offset: number, value: number): Uint8Array {
  packet[offset] = value;
  return packet;
}

/** As a client of a relay sends it, and the relay hands it on. */
function inRelayFrame(message: Uint8Array, type = 0xd8): Uint8Array {
  const frame = new Uint8Array(16 + message.length);
  frame[0] = type;
  frame.set(message, 16);
  return frame;
}

// Truncated, random and almost right datagrams to the ports of a node and of the control server: counted and dropped, no crash.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, pause } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { UdpPeer } from '../lab/udp-peer.js';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';

/** Of the four WireGuard message types; transport data has any length from 32. */
const WIREGUARD_LENGTHS = [148, 92, 64, 32];

describe.skipIf(whyNoLab() !== undefined)('bad datagrams', () => {
  let lab: Lab;
  let mesh: TwoNatMesh;
  let ipB: string;
  beforeAll(async () => {
    lab = await Lab.create();
    mesh = await TwoNatMesh.layOut(lab);
    ({ ipB } = await mesh.start());
  });
  afterAll(async () => {
    mesh?.stopFollowing();
    await lab?.dispose();
  });

  it('to a node are all counted, and its tunnel goes on', async () => {
    const stranger = await UdpPeer.start(await lab.addHost('stranger', mesh.natA, '192.168.1.9'), 0);
    const { udp_port: port, counters } = await mesh.nodeA.status();
    const droppedBefore = dropped(counters);
    const ping = Ping.start(mesh.hostA, ipB);
    await ping.firstReply(15_000);

    const datagrams = badDatagrams();
    for (const datagram of datagrams) stranger.send(`${mesh.hostA.address}:${String(port)}`, datagram);

    await eventually('all of them to be counted', 10_000, async () => {
      const droppedSince = dropped((await mesh.nodeA.status()).counters) - droppedBefore;
      return droppedSince >= datagrams.length ? true : undefined;
    });
    await ping.moreReplies(20, 5000);
    await ping.stop();
    expect(ping.lost()).toEqual([]);
    expect(stranger.received).toEqual([]);
  });

  it('to the STUN ports get no answer, and a correct request after them does', async () => {
    const stranger = await UdpPeer.start(await lab.addPublicHost('outsider', '203.0.113.66'), 4000);
    const stunServer = `${mesh.control.host.address}:3478`;
    for (const datagram of badDatagrams()) stranger.send(stunServer, datagram);
    await pause(500);
    expect(stranger.received).toEqual([]);
    const [answer] = await eventually('an answer of the STUN server', 5000, async () => {
      stranger.send(stunServer, bindingRequest());
      await pause(200);
      return stranger.received.length > 0 ? stranger.received : undefined;
    });
    // A Binding success response (RFC 8489 §5).
    expect([...answer!.bytes.subarray(0, 2)]).toEqual([0x01, 0x01]);
    expect(mesh.control.running).toBe(true);
  });
});

/** What a node refused, for whatever reason: all its counters but those of the traffic through its socket and its interface. */
function dropped(counters: Readonly<Record<string, number>>): number {
  const reasons = Object.entries(counters).filter(([name]) => !/^(udp|tun)-/.test(name));
  return reasons.reduce((sum, [, count]) => sum + count, 0);
}

/** The same at every run: a failure can be looked at again. */
function badDatagrams(): Uint8Array[] {
  const random = pseudoRandomBytes(1);
  const datagrams: Uint8Array[] = [new Uint8Array(1), new Uint8Array(1452)];
  for (const [index, length] of WIREGUARD_LENGTHS.entries()) {
    for (const size of [4, length - 1, length, length + 1]) {
      const datagram = random(size);
      datagram.set([index + 1, 0, 0, 0]);
      datagrams.push(datagram);
    }
  }
  for (const size of [19, 20, 24, 100]) {
    const stunLike = random(size);
    stunLike.set(bindingRequest().subarray(0, 8));
    // A length field that promises more than there is, or attributes that are noise.
    stunLike.set([0, size === 20 ? 8 : (size - 20) & 0xfc], 2);
    datagrams.push(stunLike);
  }
  for (let size = 1; size <= 1200; size += 37) datagrams.push(random(size));
  return datagrams;
}

function bindingRequest(): Uint8Array {
  return Uint8Array.from([0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
}

/** Numerical Recipes' linear congruential generator: noise that is the same everywhere. */
function pseudoRandomBytes(seed: number): (length: number) => Uint8Array {
  let state = seed;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

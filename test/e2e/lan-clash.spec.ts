// Host B's LAN address belongs to another machine in host A's LAN, which sends back every datagram. What A sends there must be
// probes only, and the path must never go there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isStunMessage } from '@shadownet/stun';
import { eventually } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { UdpPeer } from '../lab/udp-peer.js';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';

const ADDRESS_OF_B = '192.168.1.2';
const PORT_OF_B = 51_820;

describe.skipIf(whyNoLab() !== undefined)('a decoy at the LAN address of the other host', () => {
  let lab: Lab;
  let mesh: TwoNatMesh;
  let decoy: UdpPeer;
  let ipB: string;
  beforeAll(async () => {
    lab = await Lab.create();
    mesh = await TwoNatMesh.layOut(lab, {
      addressA: '192.168.1.3',
      addressB: ADDRESS_OF_B,
      flagsB: ['--port', String(PORT_OF_B)],
    });
    decoy = await UdpPeer.start(await lab.addHost('decoy', mesh.natA, ADDRESS_OF_B), PORT_OF_B, 'reflect');
    ({ ipB } = await mesh.start());
  });
  afterAll(async () => {
    mesh?.stopFollowing();
    await lab?.dispose();
  });

  it('is probed, gets no WireGuard message, and is never the path', async () => {
    const ping = Ping.start(mesh.hostA, ipB);
    await ping.moreReplies(50, 20_000);
    await ping.stop();
    await eventually('the decoy to be probed', 15_000, () => (decoy.received.length > 0 ? true : undefined));

    expect(decoy.received.filter(({ bytes }) => !isStunMessage(bytes))).toEqual([]);
    const confirmed = mesh.nodeA.log.entries.filter((entry) => entry.event === 'path-confirmed');
    expect(confirmed.length).toBeGreaterThan(0);
    for (const entry of confirmed) expect(entry['endpoint']).toBe(`203.0.113.22:${String(PORT_OF_B)}`);
    expect((await mesh.nodeA.status()).peers).toMatchObject([
      { path: 'direct', endpoint: `203.0.113.22:${String(PORT_OF_B)}` },
    ]);
  });
});

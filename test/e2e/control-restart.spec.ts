// The control server is killed in mid-traffic: the tunnel does not notice, and the nodes come back to it by themselves.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';

describe.skipIf(whyNoLab() !== undefined)('a control server that is killed', () => {
  let lab: Lab;
  let mesh: TwoNatMesh;
  let ipA: string;
  let ipB: string;
  beforeAll(async () => {
    lab = await Lab.create();
    mesh = await TwoNatMesh.layOut(lab);
    ({ ipA, ipB } = await mesh.start());
  });
  afterAll(async () => {
    mesh?.stopFollowing();
    await lab?.dispose();
  });

  it('costs no packet, and the nodes register with the same addresses when it is back', async () => {
    const ping = Ping.start(mesh.hostA, ipB);
    await ping.firstReply(10_000);
    await ping.moreReplies(10, 5000);

    const killedAt = Date.now();
    expect(await mesh.control.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    for (const node of [mesh.nodeA, mesh.nodeB]) await node.log.waitFor('control-unreachable', 30_000, killedAt);
    expect((await mesh.nodeA.status()).control.connected).toBe(false);
    await ping.moreReplies(30, 10_000);

    const backAt = Date.now();
    await mesh.control.start();
    for (const node of [mesh.nodeA, mesh.nodeB]) await node.log.waitFor('control-back', 60_000, backAt);
    await ping.moreReplies(20, 10_000);
    await ping.stop();

    expect(ping.lost()).toEqual([]);
    for (const [node, address] of [
      [mesh.nodeA, ipA],
      [mesh.nodeB, ipB],
    ] as const) {
      const status = await node.status();
      expect(status.virtual_ip).toBe(address);
      expect(status.control.connected).toBe(true);
      expect(status.peers).toMatchObject([{ online: true, path: 'direct' }]);
    }
  });

  it('knows both nodes again, with their addresses', async () => {
    const overview = JSON.parse(await mesh.control.get('/api/v1/overview')) as {
      nodes: { hostname: string; virtual_ip: string; online: boolean }[];
    };
    const nodes = overview.nodes.sort((a, b) => a.hostname.localeCompare(b.hostname));
    expect(nodes).toMatchObject([
      { hostname: 'host-a', virtual_ip: ipA, online: true },
      { hostname: 'host-b', virtual_ip: ipB, online: true },
    ]);
  });

  it('is not needed for a node to come up again, with its address and a working tunnel', async () => {
    await mesh.control.stop('SIGKILL');
    await mesh.nodeB.down();
    const downAt = Date.now();
    await mesh.nodeB.up();
    await mesh.nodeB.log.waitFor('network-remembered', 30_000, downAt);
    expect((await mesh.nodeB.status()).virtual_ip).toBe(ipB);
    const ping = Ping.start(mesh.hostB, ipA);
    await ping.firstReply(60_000);
    await ping.moreReplies(5, 10_000);
    await ping.stop();
    expect((await mesh.nodeB.status()).control.connected).toBe(false);
  });
});

// A NAT loses its table in mid-traffic and maps the node to another port: the path comes back on the new one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { type NatRouter } from '../lab/nat-router.js';
import { Ping } from '../lab/ping.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { type NodeDaemon } from '../mesh/node-daemon.js';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';

/** It takes 1.2 s on side A and 1.7 s on side B where the machine has nothing else to do. */
const RECOVERY_LIMIT_MS = 6_000;

describe.skipIf(whyNoLab() !== undefined)('a NAT rebinding', () => {
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

  /** `observer` is the node on the other side of `nat`, behind `observersNat`. */
  async function rebindAndRecover(nat: NatRouter, observer: NodeDaemon, observersNat: NatRouter): Promise<number> {
    const endpoint = async (): Promise<string | null | undefined> => (await observer.status()).peers[0]?.endpoint;
    const ping = Ping.start(mesh.hostA, ipB);
    await ping.moreReplies(10, 15_000);
    const before = await endpoint();
    expect(before).toMatch(new RegExp(`^${nat.address}:`));

    const rebinding = await nat.rebind();
    const reboundAt = Date.now();
    const reply = await ping.firstReply(RECOVERY_LIMIT_MS, reboundAt);
    await ping.moreReplies(10, 5000);
    await ping.stop();

    const { after } = await nat.waitUntilRebound(rebinding, observersNat.address, 1000);
    const seen = await eventually(`${observer.host.label} to use the new port`, RECOVERY_LIMIT_MS, async () => {
      const now = await endpoint();
      return now !== before && now !== null ? now : undefined;
    });
    expect(seen).toBe(after.outside);
    return reply.at - reboundAt;
  }

  it.each(['A', 'B'] as const)(
    'on side %s is over within 6 s, on a port that the other side has seen',
    async (side) => {
      const recovery =
        side === 'A'
          ? await rebindAndRecover(mesh.natA, mesh.nodeB, mesh.natB)
          : await rebindAndRecover(mesh.natB, mesh.nodeA, mesh.natA);
      process.stdout.write(`rebinding of NAT ${side}: ping answered again after ${recovery.toFixed(0)} ms\n`);
      expect(recovery).toBeLessThanOrEqual(RECOVERY_LIMIT_MS);
    },
  );
});

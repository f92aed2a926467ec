// A mesh node moves packets by two workers or on its main thread: the same mesh, the same answers, the same end.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';
import { sendChecksummed } from '../wireguard/checksummed-stream.js';

const MB = 1_000_000;

describe.skipIf(whyNoLab() !== undefined).each([
  { dataPlane: 'auto', kind: 'linux', bytes: 400 * MB },
  { dataPlane: 'portable', kind: 'portable', bytes: 20 * MB },
] as const)('a mesh with --dataplane $dataPlane', ({ dataPlane, kind, bytes }) => {
  let lab: Lab;
  let mesh: TwoNatMesh;
  let ipA: string;
  let ipB: string;
  beforeAll(async () => {
    lab = await Lab.create();
    mesh = await TwoNatMesh.layOut(lab, { flags: ['--dataplane', dataPlane] });
    ({ ipA, ipB } = await mesh.start());
  });
  afterAll(async () => {
    mesh?.stopFollowing();
    await lab?.dispose();
  });

  async function expectPings(): Promise<void> {
    for (const [host, target] of [
      [mesh.hostA, ipB],
      [mesh.hostB, ipA],
    ] as const) {
      const ping = Ping.start(host, target);
      await ping.moreReplies(10, 15_000);
      await ping.stop();
    }
  }

  it('says in log and status how packets are moved', async () => {
    expect(await mesh.nodeA.log.waitFor('data-plane', 5000)).toMatchObject({ kind });
    expect((await mesh.nodeA.status()).dataplane).toBe(kind);
  });

  it('carries packets both ways', expectPings);

  it('carries a stream without a wrong byte, shows it in the status meanwhile, and keeps the path', async () => {
    const received = async (): Promise<number> => (await mesh.nodeB.status()).peers[0]?.rx_bytes ?? 0;
    const before = await received();
    const streaming = sendChecksummed(mesh.hostA, mesh.hostB, ipB, bytes, 120_000);
    let arrived = false;
    void streaming.finally(() => (arrived = true)).catch(() => undefined);
    await eventually('the status to show a part of the stream', 60_000, async () => {
      const now = (await received()) - before;
      return arrived || (now > 0 && now < bytes) ? true : undefined;
    });
    expect(arrived).toBe(false);
    const { sent, received: hash } = await streaming;
    expect(hash).toBe(sent);
    expect(await received()).toBeGreaterThan(before + bytes);
    for (const node of [mesh.nodeA, mesh.nodeB]) {
      expect(node.log.entries.filter(({ event }) => event === 'path-lost')).toEqual([]);
      expect((await node.status()).counters).not.toHaveProperty('udp-probes-lost');
    }
  });

  it('comes back after a node was killed', async () => {
    await mesh.nodeB.down();
    const node = mesh.nodeB.runInForeground();
    await mesh.nodeB.log.waitFor('ready', 20_000, Date.now());
    await node.stop('SIGKILL', 5000);
    await mesh.nodeB.up();
    await expectPings();
  });

  it('ends with its interface when that is deleted, and says so', async () => {
    const since = Date.now();
    await mesh.hostB.ip('link', 'delete', 'shadownet0');
    expect(await mesh.nodeB.log.waitFor('interface-lost', 10_000, since)).toMatchObject({
      error: expect.stringContaining('deleted from outside'),
    });
    await eventually('the node to end', 10_000, async () =>
      (await mesh.nodeB.command('status')).code === 3 ? true : undefined,
    );
    await mesh.nodeB.up();
    await expectPings();
  });
});

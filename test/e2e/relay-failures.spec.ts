// Relays that stand alone: what goes on when the control server, or a relay, is killed.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { layOutWithRelays, type RelayedMesh } from '../mesh/relay-server.js';
import { type TwoNatMeshOptions } from '../mesh/two-nat-mesh.js';

const PATIENCE_MS = 20_000;
const HARD: TwoNatMeshOptions = { natA: { kind: 'hard' }, natB: { kind: 'hard' } };

describe.skipIf(whyNoLab() !== undefined)('with relays that stand alone', () => {
  let lab: Lab;
  let laidOut: RelayedMesh | undefined;
  beforeEach(async () => {
    lab = await Lab.create();
    laidOut = undefined;
  });
  afterEach(async () => {
    laidOut?.mesh.stopFollowing();
    await lab.dispose();
  });

  /** Up, with a ping from A to B that is answered. */
  async function start(ids: readonly string[], options?: TwoNatMeshOptions): Promise<RelayedMesh & { ping: Ping }> {
    laidOut = await layOutWithRelays(lab, ids, options);
    const { ipB } = await laidOut.mesh.start();
    const ping = Ping.start(laidOut.mesh.hostA, ipB, 100);
    await ping.firstReply(PATIENCE_MS);
    await ping.moreReplies(10, PATIENCE_MS);
    return { ...laidOut, ping };
  }

  it('relayed traffic does not notice that the control server is killed', async () => {
    const { mesh, ping } = await start(['eu'], HARD);
    expect((await mesh.nodeA.status()).peers).toMatchObject([{ path: 'relay', relay: 'eu' }]);
    const killedAt = Date.now();
    await mesh.control.stop('SIGKILL');
    for (const node of [mesh.nodeA, mesh.nodeB]) await node.log.waitFor('control-unreachable', 60_000, killedAt);
    await ping.moreReplies(50, PATIENCE_MS);
    await ping.stop();
    const first = ping.replies[0]!.sequence;
    expect(ping.lost().filter((sequence) => sequence > first)).toEqual([]);
  });

  it.each([
    ['with the control server', 'alive'],
    ['without the control server', 'killed'],
  ])('relayed traffic moves to another relay when its own is killed, %s', async (_, control) => {
    const { mesh, relays, ping } = await start(['eu', 'us'], HARD);
    const used = (await mesh.nodeA.status()).peers[0]!.relay!;
    if (control === 'killed') await mesh.control.stop('SIGKILL');
    const killedAt = Date.now();
    // The home of each may be another one of the two.
    await relays.find(({ id }) => id === used)!.kill();
    await ping.moreReplies(5, 2000).catch(() => undefined);
    const other = await eventually('the other relay', PATIENCE_MS, async () => {
      const [a, b] = [(await mesh.nodeA.status()).peers[0]!, (await mesh.nodeB.status()).peers[0]!];
      return a.relay !== used && b.relay !== used ? [a.relay, b.relay] : undefined;
    });
    const { at } = await ping.firstReply(PATIENCE_MS, Date.now());
    process.stdout.write(
      `answered by ${String(other)} ${String(Math.round(at - killedAt))} ms after ${used} was killed\n`,
    );
    await ping.moreReplies(20, PATIENCE_MS);
    await ping.stop();
  });

  it('direct paths do not notice that the relay is killed', async () => {
    const { mesh, relays, ping } = await start(['eu']);
    await mesh.nodeA.log.waitFor('path-confirmed', PATIENCE_MS);
    await mesh.nodeB.log.waitFor('path-confirmed', PATIENCE_MS);
    const killedAt = Date.now();
    await relays[0]!.kill();
    await mesh.nodeA.log.waitFor('relay-down', 60_000, killedAt);
    await ping.moreReplies(20, PATIENCE_MS);
    await ping.stop();
    expect(ping.lost()).toEqual([]);
    expect((await mesh.nodeA.status()).peers).toMatchObject([{ path: 'direct' }]);
  });
});

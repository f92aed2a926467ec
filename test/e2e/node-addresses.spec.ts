// A mesh node with two addresses in one network: every peer may speak to either, and either may go.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab, type LabHost } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { ControlServer } from '../mesh/control-server.js';
import { NodeDaemon } from '../mesh/node-daemon.js';
import { sendChecksummed } from '../wireguard/checksummed-stream.js';

const FIRST = '203.0.113.21';
const SECOND = '203.0.113.31';
const MB = 1_000_000;

describe.skipIf(whyNoLab() !== undefined).each([
  { dataPlane: 'linux', bytes: 200 * MB },
  { dataPlane: 'portable', bytes: 10 * MB },
] as const)('a mesh node with two addresses, --dataplane $dataPlane', ({ dataPlane, bytes }) => {
  let lab: Lab;
  let nodes: readonly NodeDaemon[] = [];
  let two: NodeDaemon;
  let one: NodeDaemon;
  beforeAll(async () => {
    lab = await Lab.create();
    const control = new ControlServer(await lab.addPublicHost('control', '203.0.113.10'), lab.makeDir('control'));
    const node = (host: LabHost): NodeDaemon =>
      new NodeDaemon(host, {
        controlUrl: control.url,
        dir: lab.makeDir(host.label),
        flags: ['--dataplane', dataPlane],
      });
    two = node(await lab.addPublicHost('two', FIRST));
    one = node(await lab.addPublicHost('one', '203.0.113.22'));
    nodes = [two, one];
    await two.host.addAddress('eth0', `${SECOND}/24`);
    // Or the second address would go with the first.
    await two.host.setSysctl('ipv4/conf/eth0/promote_secondaries', '1');
    await control.start();
    await Promise.all(nodes.map((each) => each.up()));
  });
  afterAll(async () => {
    for (const node of nodes) node.stopFollowing();
    await lab?.dispose();
  });

  const addressInUse = async (): Promise<string | undefined> =>
    (await one.status()).peers[0]?.endpoint?.replace(/:\d+$/, '');
  const losses = (): number =>
    nodes.flatMap(({ log }) => log.entries.filter(({ event }) => event === 'path-lost')).length;

  it('keeps its path under load, whichever address the peer has chosen', async () => {
    const ping = Ping.start(one.host, await two.virtualIp());
    await ping.moreReplies(10, 20_000);
    await ping.stop();
    const target = (await one.status()).virtual_ip;
    const { sent, received } = await sendChecksummed(two.host, one.host, target, bytes, 120_000);
    expect(received).toBe(sent);
    expect([FIRST, SECOND]).toContain(await addressInUse());
    expect(losses()).toBe(0);
  });

  it('goes on by the other address when that is gone', async () => {
    const gone = (await addressInUse())!;
    const ping = Ping.start(two.host, (await one.status()).virtual_ip, 100);
    await ping.moreReplies(5, 10_000);
    await two.host.ip('address', 'delete', `${gone}/24`, 'dev', 'eth0');
    const goneAt = Date.now();
    const backAt = (await ping.firstReply(15_000, goneAt + 50)).at;
    expect(backAt - goneAt).toBeLessThan(2000);
    await ping.moreReplies(20, 10_000);
    await ping.stop();
    await eventually('the peer to use the other address', 15_000, async () =>
      (await addressInUse()) === (gone === FIRST ? SECOND : FIRST) ? true : undefined,
    );
  });
});

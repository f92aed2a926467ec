// Two hosts behind two NATs, with the same address in LANs with the same subnet, reach each other through the real programs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';
import { fetchWebPage, serveWebPage } from '../mesh/web-page.js';

describe.skipIf(whyNoLab() !== undefined)('two hosts behind two NATs', () => {
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

  it('get addresses of the network, each its own', () => {
    expect(ipA).toMatch(/^10\.100\./);
    expect(ipB).toMatch(/^10\.100\./);
    expect(ipA).not.toBe(ipB);
  });

  it('ping each other', expectPings);

  it('have a direct path from outer endpoint to outer endpoint', async () => {
    const [statusA, statusB] = [await mesh.nodeA.status(), await mesh.nodeB.status()];
    expect(statusA.peers).toMatchObject([{ hostname: 'host-b', virtual_ip: ipB, path: 'direct', online: true }]);
    expect(statusB.peers).toMatchObject([{ hostname: 'host-a', virtual_ip: ipA, path: 'direct', online: true }]);
    expect(statusA.peers[0]?.endpoint).toBe(statusB.reflexive[0]);
    expect(statusB.peers[0]?.endpoint).toBe(statusA.reflexive[0]);
    expect(statusA.peers[0]?.endpoint).toMatch(/^203\.0\.113\.22:/);
  });

  it('use one socket for STUN, probes, handshakes and data; only what measures the NAT has others, towards the server', async () => {
    const { udp_port: port } = await mesh.nodeA.status();
    const flows = await mesh.natA.udpMappings();
    const own = flows.filter(({ inside }) => inside.endsWith(`:${String(port)}`));
    const addressOf = ({ remote }: { remote: string }): string | undefined => remote.split(':')[0];
    expect(new Set(own.map(({ outside }) => outside)).size).toBe(1);
    expect(own.map(addressOf)).toEqual(expect.arrayContaining(['203.0.113.10', '203.0.113.22']));
    const others = flows.filter((flow) => !own.includes(flow)).map(addressOf);
    expect(others.filter((address) => address !== '203.0.113.10')).toEqual([]);
  });

  it('know of what kind their NATs are', async () => {
    await eventually('both NATs to be measured', 15_000, async () => {
      const [a, b] = [await mesh.nodeA.status(), await mesh.nodeB.status()];
      return a.nat?.kind === 'nat' && b.nat?.kind === 'nat' ? true : undefined;
    });
    const filtering = { dependence: 'address-and-port-dependent' };
    expect((await mesh.nodeA.status()).nat).toMatchObject({
      mapping: { dependence: 'endpoint-independent' },
      filtering,
    });
  });

  it('hear at once from the kernel that they have got another address, and that it is gone', async () => {
    // By looking every 5 s alone, six changes in a row would hardly ever be noticed within 1.5 s each.
    for (const change of ['add', 'delete', 'add', 'delete', 'add', 'delete']) {
      const since = Date.now();
      await mesh.hostA.ip('address', change, '192.168.1.77/24', 'dev', 'eth0');
      await mesh.nodeA.log.waitFor('candidates-changed', 1500, since);
    }
    expect((await mesh.nodeA.status()).host_candidates).toHaveLength(1);
  });

  it('fetch a web page over the mesh, and the server sees the virtual address', async () => {
    const server = await serveWebPage(mesh.hostB, ipB);
    expect(await fetchWebPage(mesh.hostA, ipB)).toBe(`Hello ${ipA}, this is host-b at ${ipB}.\n`);
    await server.stop();
  });

  it('keep their addresses and reach each other again after one of them restarts', async () => {
    await mesh.nodeB.down();
    expect((await mesh.nodeB.command('status')).code).toBe(3);
    await mesh.nodeB.up();
    expect((await mesh.nodeB.status()).virtual_ip).toBe(ipB);
    await expectPings();
    expect((await mesh.nodeA.status()).peers[0]?.virtual_ip).toBe(ipB);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('on %s take the interface down and exit with 0', async (signal) => {
    await mesh.nodeB.down();
    const node = mesh.nodeB.runInForeground();
    const since = Date.now();
    await mesh.nodeB.log.waitFor('ready', 20_000, since);
    expect((await mesh.hostB.ip('-o', 'link')).stdout).toContain('shadownet0');
    expect(await node.stop(signal, 10_000)).toEqual({ code: 0, signal: null });
    expect((await mesh.hostB.ip('-o', 'link')).stdout).not.toContain('shadownet0');
    await eventually('host A to see host B offline', 10_000, async () =>
      (await mesh.nodeA.status()).peers[0]?.online === false ? true : undefined,
    );
    await mesh.nodeB.up();
  });
});

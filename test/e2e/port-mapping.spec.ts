// A node behind a router that forwards ports, which is a real miniupnpd: the mapping is made, used, made again when the router
// has lost it, and gone after `down`.
import { netcheckSchema } from '@shadownet/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab, type LabHost } from '../lab/lab.js';
import type { NatRouter } from '../lab/nat-router.js';
import { pidsInside, signalIfAlive } from '../lab/network-namespace.js';
import { Ping } from '../lab/ping.js';
import { PortMappingDaemon } from '../lab/port-mapping-daemon.js';
import { inRepository } from '../lab/repository.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { ControlServer } from '../mesh/control-server.js';
import { NodeDaemon } from '../mesh/node-daemon.js';

const BINARY = inRepository('node_modules/.bin/shadownet-node');
const LAN = '192.168.1.1/24';
const INSIDE = '192.168.1.2';
/** No public address that anybody uses is reached: nothing leaves the lab. */
const PUBLIC_SUBNET = '45.0.0.0/24';

describe.skipIf(whyNoLab() !== undefined)('a node behind a router that forwards ports', () => {
  let lab: Lab;
  let control: ControlServer;
  let forwarding: { readonly daemon: PortMappingDaemon; readonly host: LabHost };
  const nodes: NodeDaemon[] = [];
  beforeAll(async () => {
    lab = await Lab.create();
    const host = await lab.addPublicHost('control', '203.0.113.10');
    await host.ip('route', 'add', PUBLIC_SUBNET, 'dev', 'eth0');
    control = new ControlServer(host, lab.makeDir('control'));
    await control.start();
    // It runs for a while before it is needed: a restart shows by its time, which must have something to lose.
    const { router, host: inside } = await behindHardNat('forwarded', '45.0.0.21');
    forwarding = { daemon: await PortMappingDaemon.start(router, lab.makeDir('miniupnpd')), host: inside };
  });
  afterAll(async () => {
    for (const node of nodes) node.stopFollowing();
    await lab?.dispose();
  });

  /** A hard NAT, so that nothing but a mapping makes its hosts reachable for the likes of them. */
  async function behindHardNat(label: string, address: string): Promise<{ router: NatRouter; host: LabHost }> {
    const router = await lab.addNat(`nat-${label}`, { behaviour: { kind: 'hard' }, address, lan: LAN });
    const onSegment = address.startsWith('45.') ? '203.0.113.0/24' : PUBLIC_SUBNET;
    await router.ip('route', 'add', onSegment, 'dev', 'ext');
    return { router, host: await lab.addHost(label, router, INSIDE) };
  }

  function nodeOn(host: LabHost, ...flags: string[]): NodeDaemon {
    const node = new NodeDaemon(host, { controlUrl: control.url, dir: lab.makeDir(host.label), flags });
    nodes.push(node);
    return node;
  }

  it('has its port mapped by UPnP or NAT-PMP where the router speaks that alone, and netcheck tells what is offered', async () => {
    const { router, host } = await behindHardNat('upnp', '45.0.0.23');
    const dir = lab.makeDir('miniupnpd-upnp');
    const daemon = await PortMappingDaemon.start(router, dir, { pcp: false });
    const netcheck = async () => {
      const { stdout } = await host.run([BINARY, 'netcheck', '--json', '--control', control.url], {
        timeoutMs: 60_000,
      });
      return netcheckSchema.parse(JSON.parse(stdout)).port_mapping;
    };
    const offer = { gateway: '192.168.1.1', external_address: '45.0.0.23' };
    expect(await netcheck()).toEqual([{ protocol: 'upnp-igd', ...offer }]);

    const node = nodeOn(host);
    await node.up();
    await node.log.waitFor('port-mapped', 30_000);
    const { udp_port: port, port_mapping: mapping } = await node.status();
    expect(mapping).toEqual({ protocol: 'upnp-igd', endpoint: `45.0.0.23:${port}` });
    expect(daemon.leases()).toEqual([{ protocol: 'UDP', externalPort: port, inside: `${INSIDE}:${port}` }]);
    await node.down();
    expect(daemon.leases()).toEqual([]);

    await daemon.stop();
    expect(await netcheck()).toEqual([]);
    const both = await PortMappingDaemon.restartWith(router, dir, {});
    expect((await netcheck()).sort((a, b) => a.protocol.localeCompare(b.protocol))).toEqual([
      { protocol: 'nat-pmp', ...offer },
      { protocol: 'pcp', ...offer, external_address: null },
      { protocol: 'upnp-igd', ...offer },
    ]);

    // With PCP's requests lost, which are of 24 bytes and more, the same router speaks NAT-PMP, whose have 12 at most.
    const longRequests = ['-p', 'udp', '--dport', '5351', '-m', 'length', '--length', '52:65535', '-j', 'DROP'];
    await router.iptables('-I', 'INPUT', ...longRequests);
    await node.up();
    const mapped = await node.log.waitFor('port-mapped', 45_000, Date.now() - 1000);
    expect(mapped).toMatchObject({ endpoint: `45.0.0.23:${port}` });
    expect((await node.status()).port_mapping).toEqual({ protocol: 'nat-pmp', endpoint: `45.0.0.23:${port}` });
    await node.down();
    expect(both.leases()).toEqual([]);
    await both.stop();
  });

  it('has it mapped by PCP, is reached at it by a node behind a hard NAT, and leaves nothing behind but after a crash', async () => {
    const { daemon, host } = forwarding;
    const node = nodeOn(host);
    await node.up();
    const endpoint = String((await node.log.waitFor('port-mapped', 15_000))['endpoint']);
    const status = await node.status();
    expect(endpoint).toBe(`45.0.0.21:${status.udp_port}`);
    expect(status.port_mapping).toEqual({ protocol: 'pcp', endpoint });
    const lease = { protocol: 'UDP', externalPort: status.udp_port, inside: `${INSIDE}:${status.udp_port}` };
    expect(daemon.leases()).toEqual([lease]);

    const { host: other } = await behindHardNat('plain', '203.0.113.22');
    const peer = nodeOn(other, '--no-port-mapping');
    await peer.up();
    const ping = Ping.start(other, status.virtual_ip);
    await ping.moreReplies(5, 20_000);
    await ping.stop();
    await eventually('a direct path to the mapped endpoint', 15_000, async () => {
      const [link] = (await peer.status()).peers;
      return link?.path === 'direct' && link.endpoint === endpoint ? true : undefined;
    });
    expect((await peer.status()).port_mapping).toBeNull();

    await daemon.restart();
    expect(daemon.leases()).toEqual([]);
    await eventually('the mapping to be back after a restart of the router', 45_000, () =>
      daemon.leases().length === 1 ? true : undefined,
    );
    expect(daemon.leases()).toEqual([lease]);

    // What a crash leaves in the router, the next run takes over: the same secret nonce, so the same mapping.
    const killedAt = Date.now();
    for (const pid of await pidsInside(host.name)) signalIfAlive(pid, 'SIGKILL');
    await eventually('the node to be gone', 5000, async () =>
      (await pidsInside(host.name)).length === 0 ? true : undefined,
    );
    expect(daemon.leases()).toEqual([lease]);
    await node.up();
    expect((await node.log.waitFor('port-mapped', 15_000, killedAt))['endpoint']).toBe(endpoint);
    expect(daemon.leases()).toEqual([lease]);

    await node.down();
    expect(daemon.leases()).toEqual([]);
    await peer.down();
  });
});

// `shadownet-node netcheck` in every network that the lab can make: what it says of each, measured against a control server
// with two addresses and against one with one.
import { type Netcheck, netcheckSchema } from '@shadownet/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab, type LabHost } from '../lab/lab.js';
import type { NatBehaviour } from '../lab/nat-behaviour.js';
import type { NatRouter } from '../lab/nat-router.js';
import { inRepository } from '../lab/repository.js';
import { whyNoLab } from '../lab/requirements.mjs';
import { ControlServer } from '../mesh/control-server.js';
import { NodeDaemon } from '../mesh/node-daemon.js';

const BINARY = inRepository('node_modules/.bin/shadownet-node');
const INSIDE = '192.168.1.2';
const LAN = '192.168.1.1/24';

const tested = (dependence: string) => ({ dependence, address_dependence: 'tested' });
const easy = tested('endpoint-independent');
const hard = tested('address-and-port-dependent');

/** What must be said of a host behind each NAT. */
const EXPECTED = {
  'port-restricted': { mapping: easy, filtering: hard, port_preservation: true, allocation: { kind: 'preserving' } },
  hard: { mapping: hard, filtering: hard, port_preservation: false, allocation: { kind: 'random' } },
  'full-cone': { mapping: easy, filtering: easy, port_preservation: true },
  'address-restricted': { mapping: easy, filtering: tested('address-dependent'), port_preservation: true },
} as const;

const MEANING = {
  'port-restricted': 'An easy NAT: peers connect directly by hole punching, except',
  hard: 'A hard NAT, with another port per destination',
  'full-cone': 'An open NAT',
  'address-restricted': 'An easy NAT that filters by address only',
} as const;

describe.skipIf(whyNoLab() !== undefined)('shadownet-node netcheck', () => {
  let lab: Lab;
  let control: ControlServer;
  let oneAddress: ControlServer;
  beforeAll(async () => {
    lab = await Lab.create();
    const host = await lab.addPublicHost('control', '203.0.113.10');
    await host.addAddress('eth0', '203.0.113.11/24');
    const flags = ['--stun-alternate-address', '203.0.113.11'];
    control = new ControlServer(host, lab.makeDir('control'), undefined, flags);
    oneAddress = new ControlServer(await lab.addPublicHost('plain', '203.0.113.12'), lab.makeDir('plain'));
    await Promise.all([control.start(), oneAddress.start()]);
  });
  afterAll(() => lab?.dispose());

  let lastOctet = 20;
  async function behind(behaviour: NatBehaviour): Promise<{ router: NatRouter; host: LabHost }> {
    lastOctet += 1;
    const address = `203.0.113.${lastOctet}`;
    const router = await lab.addNat(`nat${lastOctet}`, { behaviour, address, lan: LAN });
    return { router, host: await lab.addHost(`host${lastOctet}`, router, INSIDE) };
  }

  async function netcheck(host: LabHost, ...flags: string[]): Promise<Netcheck> {
    const argv = [BINARY, 'netcheck', '--json', '--control', control.url, ...flags];
    const { stdout } = await host.run(argv, { timeoutMs: 60_000 });
    return netcheckSchema.parse(JSON.parse(stdout));
  }

  /** The verdict on IPv4, which must have been tested. */
  async function verdict(host: LabHost, ...flags: string[]) {
    const { udp, ipv4 } = await netcheck(host, ...flags);
    if (ipv4.result !== 'tested') throw new Error(ipv4.reason);
    return { udp, nat: ipv4.nat, meaning: ipv4.meaning };
  }

  it.each([
    { kind: 'port-restricted' },
    { kind: 'hard' },
    { kind: 'full-cone', inside: INSIDE },
    { kind: 'address-restricted', inside: INSIDE },
  ] as const)('says what a $kind NAT does, and what that means', async (behaviour) => {
    const { host, router } = await behind(behaviour);
    const { udp, nat, meaning } = await verdict(host);
    expect(udp).toBe('works');
    expect(nat).toMatchObject({
      kind: 'nat',
      pooling: 'paired',
      hairpin: 'does-not-work',
      ...EXPECTED[behaviour.kind],
    });
    expect(nat.kind === 'nat' && nat.endpoint.split(':')[0]).toBe(router.address);
    expect(meaning).toContain(MEANING[behaviour.kind]);
  });

  it('says of a server with one address that the address was not tested', async () => {
    for (const behaviour of [{ kind: 'port-restricted' }, { kind: 'full-cone', inside: INSIDE }] as const) {
      const { host } = await behind(behaviour);
      const { nat } = await verdict(host, '--control', oneAddress.url);
      const untested = { dependence: 'endpoint-independent', address_dependence: 'not-tested' };
      expect(nat).toMatchObject({
        mapping: untested,
        filtering: behaviour.kind === 'full-cone' ? untested : hard,
      });
    }
  });

  it('says of two NATs in a row what both together do', async () => {
    const { router: carrier } = await behind({ kind: 'hard' });
    const home = await lab.addNat('home', {
      behaviour: { kind: 'port-restricted' },
      address: '192.168.1.7',
      lan: '192.168.2.1/24',
      behind: carrier,
    });
    const { nat } = await verdict(await lab.addHost('homely', home, '192.168.2.2'));
    expect(nat).toMatchObject({ kind: 'nat', mapping: hard, filtering: hard });
  });

  it('says that UDP is blocked where only TCP passes', async () => {
    const { host } = await behind({ kind: 'udp-blocked' });
    const { udp, nat, meaning } = await verdict(host);
    expect({ udp, nat }).toEqual({ udp: 'blocked', nat: { kind: 'udp-blocked' } });
    expect(meaning).toContain('relay over TCP');
    const { stun_servers: servers, ipv6, relays, nearest_relay: nearest } = await netcheck(host);
    expect(relays).toMatchObject([{ udp: [{ rtt_ms: null }], websocket: { rtt_ms: expect.any(Number) } }]);
    expect(nearest).toBe('control');
    expect(servers.map(({ rtt_ms }) => rtt_ms)).toEqual([null, null]);
    expect(ipv6).toEqual({ result: 'not-tested', reason: 'no-address' });
  });

  it('finds no NAT in front of a public host, and shows it in a table', async () => {
    const host = await lab.addPublicHost('public', '203.0.113.70');
    expect((await verdict(host)).nat).toMatchObject({ kind: 'no-nat', filtering: easy });
    const { stdout } = await host.run([BINARY, 'netcheck', '--control', control.url]);
    expect(stdout).toMatch(/^IPv4: This host can be reached at its own address/);
    expect(stdout).toMatch(/IPv4\s+│ no NAT, seen as 203\.0\.113\.70:\d+/);
    expect(stdout).toMatch(/203\.0\.113\.10:3478 │ \d+\.\d ms/);
    expect(stdout).toMatch(/nearest relay\s+│ control/);
    expect(stdout).toMatch(/control │ 203\.0\.113\.10:\d+ \d+\.\d ms │ \d+\.\d ms/);
  });

  it('measures for how long a mapping outlives silence, for a host that is a node', async () => {
    const { host, router } = await behind({ kind: 'port-restricted' });
    const dir = lab.makeDir('lifetime');
    const node = new NodeDaemon(host, { controlUrl: control.url, dir });
    await node.up();
    await node.down();
    node.stopFollowing();
    await router.setUdpTimeout(8);
    const { nat } = await verdict(host, '--lifetime', '12', '--state-dir', `${dir}/state`);
    expect(nat).toMatchObject({ lifetime: { at_least_s: 5, below_s: 10 } });
  });

  it('needs an identity for that, and a server to ask', async () => {
    const host = await lab.addPublicHost('stranger', '203.0.113.71');
    const noIdentity = [
      BINARY,
      'netcheck',
      '--control',
      control.url,
      '--lifetime',
      '5',
      '--state-dir',
      lab.makeDir('empty'),
    ];
    expect(await host.tryRun(noIdentity)).toMatchObject({ code: 1, stderr: expect.stringContaining('run up once') });
    expect(await host.tryRun([BINARY, 'netcheck'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('which servers to ask?'),
    });
  });
});

// shadownet-wg and Debian's wireguard-go at the two ends of a tunnel, both driven by `wg`: whatever one of them says, the other
// must understand. Then the behaviour that scripts around wireguard-go rely on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, pause } from '../lab/eventually.js';
import { Lab, type LabHost } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { inRepository } from '../lab/repository.js';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { newPresharedKey, WireGuardEnd } from '../wireguard/wireguard-end.js';

const OURS = '203.0.113.10';
const THEIRS = '203.0.113.11';

/** REKEY_AFTER_TIME, and time for the handshake and for some packets under the new keys. */
const REKEY_WAIT_MS = 126_000;

const missing = whyNoLab() ?? ['wg', 'wireguard-go'].find((program) => !isInstalled(program));

describe.skipIf(missing !== undefined)('shadownet-wg with wireguard-go (needs root, wg and wireguard-go)', () => {
  let lab: Lab;
  let ourHost: LabHost;
  let theirHost: LabHost;
  beforeAll(async () => {
    lab = await Lab.create();
    ourHost = await lab.addPublicHost('ours', OURS);
    theirHost = await lab.addPublicHost('theirs', THEIRS);
    rekeying = await startRekeying();
  });
  afterAll(() => lab.dispose());

  let pairs = 0;
  /** Two ends that are not yet introduced to each other, each with an inner subnet of its own. */
  async function newPair(): Promise<{ ours: WireGuardEnd; theirs: WireGuardEnd }> {
    const n = String(++pairs);
    const create = (host: LabHost, implementation: 'shadownet-wg' | 'wireguard-go', last: string, port: number) =>
      WireGuardEnd.create(lab, host, implementation, [`10.77.${n}.${last}`, `fd77:${n}::${last}`], port + pairs);
    const ours = await create(ourHost, 'shadownet-wg', '1', 51_800);
    const theirs = await create(theirHost, 'wireguard-go', '2', 51_900);
    return { ours, theirs };
  }

  /** Both know each other's endpoint and are up. */
  async function newTunnel(): Promise<{ ours: WireGuardEnd; theirs: WireGuardEnd }> {
    const { ours, theirs } = await newPair();
    await ours.addPeer(theirs, { endpoint: `${THEIRS}:${String(theirs.port)}` });
    await theirs.addPeer(ours, { endpoint: `${OURS}:${String(ours.port)}` });
    await ours.up();
    await theirs.up();
    return { ours, theirs };
  }

  // ── One real rekey, which takes two minutes: it starts before the other tests and is looked at after them. ────────

  interface Rekeying {
    readonly ours: WireGuardEnd;
    readonly theirs: WireGuardEnd;
    readonly ping: Ping;
    readonly startedAt: number;
    readonly firstHandshake: number;
  }
  let rekeying: Rekeying;
  async function startRekeying(): Promise<Rekeying> {
    const { ours, theirs } = await newTunnel();
    expect(await ours.canPing(theirs)).toBe(true);
    const startedAt = performance.now();
    const { latestHandshake: firstHandshake } = await ours.peer(theirs);
    return { ours, theirs, ping: Ping.start(ourHost, theirs.addresses[0], 200), startedAt, firstHandshake };
  }

  // ── The protocol ──────────────────────────────────────────────────────────────────────────────────────────────────

  it('starts a handshake that wireguard-go answers, and carries IPv4 and IPv6 both ways', async () => {
    const { ours, theirs } = await newPair();
    await ours.addPeer(theirs, { endpoint: `${THEIRS}:${String(theirs.port)}` });
    await theirs.addPeer(ours);
    await ours.up();
    await theirs.up();
    expect(await theirs.canPing(ours, 4, 1)).toBe(false);

    expect(await ours.canPing(theirs, 4)).toBe(true);
    expect(await ours.canPing(theirs, 6)).toBe(true);
    expect(await theirs.canPing(ours, 4)).toBe(true);
    expect(await theirs.canPing(ours, 6)).toBe(true);

    const [seenByUs, seenByThem] = [await ours.peer(theirs), await theirs.peer(ours)];
    expect(Math.abs(seenByUs.latestHandshake - seenByThem.latestHandshake)).toBeLessThanOrEqual(1);
    expect(Math.abs(seenByUs.latestHandshake - Date.now() / 1000)).toBeLessThan(30);
    expect(seenByThem.endpoint).toBe(`${OURS}:${String(ours.port)}`);
  });

  it('answers a handshake of wireguard-go, with a preshared key', async () => {
    const { ours, theirs } = await newPair();
    const presharedKey = newPresharedKey();
    await ours.addPeer(theirs, { presharedKey });
    await theirs.addPeer(ours, { endpoint: `${OURS}:${String(ours.port)}`, presharedKey });
    await ours.up();
    await theirs.up();
    expect(await theirs.canPing(ours)).toBe(true);
    expect(await ours.canPing(theirs, 6)).toBe(true);
    expect((await ours.peer(theirs)).endpoint).toBe(`${THEIRS}:${String(theirs.port)}`);
  });

  it('does not talk over a preshared key that differs, in either direction', async () => {
    const { ours, theirs } = await newPair();
    await ours.addPeer(theirs, { endpoint: `${THEIRS}:${String(theirs.port)}`, presharedKey: newPresharedKey() });
    await theirs.addPeer(ours, { endpoint: `${OURS}:${String(ours.port)}`, presharedKey: newPresharedKey() });
    await ours.up();
    await theirs.up();
    const answers = await Promise.all([ours.canPing(theirs, 4, 2), theirs.canPing(ours, 4, 2)]);
    expect(answers).toEqual([false, false]);
    expect((await ours.peer(theirs)).latestHandshake).toBe(0);
  });

  it('carries packets as large as the MTU over IPv6 without a fragment', async () => {
    const { ours, theirs } = await newPair();
    await ourHost.ip('address', 'add', '2001:db8::10/64', 'dev', 'eth0', 'nodad');
    await theirHost.ip('address', 'add', '2001:db8::11/64', 'dev', 'eth0', 'nodad');
    await ours.addPeer(theirs, { endpoint: `[2001:db8::11]:${String(theirs.port)}` });
    await theirs.addPeer(ours);
    await ours.up();
    await theirs.up();
    // 1,420 bytes with the headers of IPv4 and ICMP.
    const full = ['ping', '-n', '-M', 'do', '-s', '1392', '-i', '0.2', '-c', '3', '-w', '10'];
    await ourHost.run([...full, theirs.addresses[0]]);
    expect((await theirs.peer(ours)).endpoint).toBe(`[2001:db8::10]:${String(ours.port)}`);
    expect((await ourHost.run(['cat', '/proc/net/snmp6'])).stdout).toMatch(/^Ip6FragCreates\s+0$/m);
  });

  it('follows a peer that changes its address and port, and is followed', async () => {
    const { ours, theirs } = await newTunnel();
    expect(await ours.canPing(theirs)).toBe(true);

    await move(theirs, '203.0.113.21', 52_001);
    expect(await theirs.canPing(ours)).toBe(true);
    expect((await ours.peer(theirs)).endpoint).toBe('203.0.113.21:52001');
    expect(await ours.canPing(theirs)).toBe(true);

    await move(ours, '203.0.113.20', 52_002);
    expect(await ours.canPing(theirs)).toBe(true);
    expect((await theirs.peer(ours)).endpoint).toBe('203.0.113.20:52002');
    expect(await theirs.canPing(ours)).toBe(true);
  });

  /**
   * What this interface sends comes from another address and another port from now on. Rewriting the source leaves the host's
   * other tunnels where they are.
   */
  async function move(end: WireGuardEnd, address: string, port: number): Promise<void> {
    await end.host.addAddress('eth0', `${address}/24`);
    await end.set('listen-port', String(port));
    const rule = ['-p', 'udp', '--sport', String(port), '-j', 'SNAT', '--to-source', `${address}:${String(port)}`];
    await end.host.iptables('-t', 'nat', '-A', 'POSTROUTING', ...rule);
  }

  it('makes a new session when either end is restarted with the same key', async () => {
    const { ours, theirs } = await newTunnel();
    expect(await ours.canPing(theirs)).toBe(true);

    await theirs.signal('SIGKILL');
    await theirs.untilEnded();
    await theirs.start();
    await restore(theirs, ours, OURS);
    expect(await theirs.canPing(ours)).toBe(true);

    await ours.signal('SIGKILL');
    await ours.untilEnded();
    await ours.start();
    await restore(ours, theirs, THEIRS);
    expect(await ours.canPing(theirs)).toBe(true);
    expect(await theirs.canPing(ours)).toBe(true);
  });

  /** Gives a restarted program the configuration that it had. */
  async function restore(end: WireGuardEnd, other: WireGuardEnd, otherHost: string): Promise<void> {
    await end.set('private-key', end.privateKeyFile, 'listen-port', String(end.port));
    await end.addPeer(other, { endpoint: `${otherHost}:${String(other.port)}` });
    await end.up();
  }

  it('goes on under a new private key', async () => {
    const { ours, theirs } = await newTunnel();
    expect(await ours.canPing(theirs)).toBe(true);
    await theirs.set('peer', ours.publicKey, 'remove');
    await ours.newPrivateKey();
    await theirs.addPeer(ours);
    expect(await ours.canPing(theirs)).toBe(true);
    expect(await theirs.canPing(ours)).toBe(true);
  });

  it('does not drown in its own packets when the endpoint of a peer lies inside the tunnel to it', async () => {
    const { ours, theirs } = await newTunnel();
    expect(await ours.canPing(theirs)).toBe(true);
    await ours.set('peer', theirs.publicKey, 'endpoint', `${theirs.addresses[0]}:${String(theirs.port)}`);
    const { txBytes } = await ours.peer(theirs);
    await ourHost.tryRun(['ping', '-n', '-f', '-c', '100', '-W', '1', theirs.addresses[0]]);
    expect((await ours.peer(theirs)).txBytes - txBytes).toBeLessThan(70_000);

    await ours.set('peer', theirs.publicKey, 'endpoint', `${THEIRS}:${String(theirs.port)}`);
    expect(await ours.canPing(theirs)).toBe(true);
  });

  // ── The interface and its programs ────────────────────────────────────────────────────────────────────────────────

  it('says nothing before the interface is up, nor without a private key', async () => {
    const { ours, theirs } = await newPair();
    await theirs.addPeer(ours);
    await theirs.up();
    await ours.addPeer(theirs, { endpoint: `${THEIRS}:${String(theirs.port)}` });
    await ours.set('peer', theirs.publicKey, 'persistent-keepalive', '1');
    await pause(1500);
    expect((await ours.peer(theirs)).txBytes).toBe(0);

    await ours.up();
    await handshakeOf(ours, theirs);

    await ours.set('private-key', '/dev/null');
    const { txBytes } = await ours.peer(theirs);
    expect(await ours.canPing(theirs, 4, 2)).toBe(false);
    expect((await ours.peer(theirs)).txBytes).toBe(txBytes);

    await ours.set('private-key', ours.privateKeyFile);
    expect(await ours.canPing(theirs)).toBe(true);
    await ourHost.ip('link', 'set', ours.interfaceName, 'down');
    await eventually('the port to be free', 2000, async () =>
      (await ourHost.run(['ss', '-Hulpn', `sport = :${String(ours.port)}`])).stdout === '' ? true : undefined,
    );
  });

  async function handshakeOf(end: WireGuardEnd, other: WireGuardEnd): Promise<void> {
    await eventually('a handshake', 5000, async () => ((await end.peer(other)).latestHandshake > 0 ? true : undefined));
  }

  it('is set, shown and saved by wg, and keeps its sessions through a syncconf of the same configuration', async () => {
    const { ours, theirs } = await newTunnel();
    expect(await ours.canPing(theirs)).toBe(true);
    await ours.set('fwmark', '0x51', 'peer', theirs.publicKey, 'persistent-keepalive', '25');
    const shown = (await ourHost.run(['wg', 'showconf', ours.interfaceName])).stdout;
    expect(shown).toContain(`ListenPort = ${String(ours.port)}\nFwMark = 0x51\nPrivateKey = `);
    expect(shown).toContain(`AllowedIPs = ${theirs.addresses[0]}/32, ${theirs.addresses[1]}/128`);
    expect(shown).toContain(`Endpoint = ${THEIRS}:${String(theirs.port)}\nPersistentKeepalive = 25`);
    const file = ours.file('saved.conf', shown);

    const before = await ours.peer(theirs);
    await ourHost.run(['wg', 'syncconf', ours.interfaceName, file]);
    await ourHost.run(['wg', 'addconf', ours.interfaceName, file]);
    expect((await ours.peer(theirs)).latestHandshake).toBe(before.latestHandshake);
    expect((await ours.peer(theirs)).rxBytes).toBeGreaterThanOrEqual(before.rxBytes);

    await ourHost.run(['wg', 'setconf', ours.interfaceName, file]);
    expect((await ourHost.run(['wg', 'showconf', ours.interfaceName])).stdout).toBe(shown);
    expect(await ours.canPing(theirs)).toBe(true);
  });

  it('tells wg that a port is taken, and stays as it was', async () => {
    const { ours, theirs } = await newTunnel();
    const { ours: second, theirs: other } = await newTunnel();
    // An interface has its port a moment after it came up.
    expect(await second.canPing(other)).toBe(true);
    const refused = await ourHost.tryRun(['wg', 'set', ours.interfaceName, 'listen-port', String(second.port)]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('Address already in use');
    expect((await ourHost.run(['wg', 'show', ours.interfaceName, 'listen-port'])).stdout.trim()).toBe(
      String(ours.port),
    );
    expect(await ours.canPing(theirs)).toBe(true);
  });

  it('goes up and down with wg-quick', async () => {
    const { ours, theirs, wgQuick } = await newPairForWgQuick();
    const [v4, v6] = theirs.addresses;
    await wgQuick('up', `${v4}/32, ${v6}/128`);
    expect(await ours.canPing(theirs, 4)).toBe(true);
    expect(await ours.canPing(theirs, 6)).toBe(true);
    await wgQuick('down');
    await ours.untilEnded();
    expect(ours.hasSocket).toBe(false);
  });

  it('is the way to everywhere with wg-quick, but for its own datagrams', async () => {
    const { ours, theirs, wgQuick } = await newPairForWgQuick();
    const farAway = '198.51.100.77';
    await theirs.host.ip('address', 'add', `${farAway}/32`, 'dev', 'lo');
    await wgQuick('up', '0.0.0.0/0, ::/0');
    await ourHost.run(['ping', '-n', '-i', '0.2', '-c', '1', '-w', '5', farAway]);
    expect((await ourHost.run(['wg', 'show', ours.interfaceName, 'fwmark'])).stdout).toMatch(/^0x/);
    expect((await theirs.peer(ours)).endpoint).toBe(`${OURS}:${String(ours.port)}`);
    await wgQuick('down');
    await ours.untilEnded();
  });

  /** Theirs is up and lets ours in, which is for wg-quick to make. */
  async function newPairForWgQuick() {
    const { ours, theirs } = await newPair();
    await ourHost.ip('link', 'delete', ours.interfaceName);
    await ours.untilEnded();
    await theirs.addPeer(ours);
    await theirs.up();
    const wgQuick = async (verb: 'up' | 'down', allowedIps = ''): Promise<void> => {
      const file = ours.file(
        `${ours.interfaceName}.conf`,
        [
          '[Interface]',
          `PrivateKey = ${ours.privateKey}`,
          `Address = ${ours.addresses[0]}/24, ${ours.addresses[1]}/64`,
          `ListenPort = ${String(ours.port)}`,
          '[Peer]',
          `PublicKey = ${theirs.publicKey}`,
          `AllowedIPs = ${allowedIps}`,
          `Endpoint = ${THEIRS}:${String(theirs.port)}`,
          '',
        ].join('\n'),
      );
      const program = inRepository('node_modules/.bin/shadownet-wg');
      const env = { ...ours.environment, WG_QUICK_USERSPACE_IMPLEMENTATION: program };
      await ourHost.run(['wg-quick', verb, file], { env });
    };
    return { ours, theirs, wgQuick };
  }

  it('refuses a second start, replaces a stale socket, and reuses the name at once', async () => {
    const { ours } = await newPair();
    const second = await ours.tryStart();
    expect(second.code).not.toBe(0);
    expect(second.stderr).toContain('already runs');

    await ours.signal('SIGKILL');
    await ours.untilEnded();
    expect(ours.hasSocket).toBe(true);
    await ours.start();

    const before = await ours.pid();
    await ourHost.ip('link', 'delete', ours.interfaceName);
    await ours.start();
    expect(await ours.pid()).not.toBe(before);
    expect(await ours.hasInterface()).toBe(true);
    await ours.signal('SIGTERM');
    await ours.untilEnded();
    expect(ours.hasSocket).toBe(false);
  });

  it.each(['WG_TUN_FD', 'WG_UAPI_FD'])('does not pretend to take over a descriptor by %s', async (variable) => {
    const program = inRepository('node_modules/.bin/shadownet-wg');
    const refused = await ourHost.tryRun([program, 'inherited0'], { env: { ...process.env, [variable]: '3' } });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`${variable} is set`);
  });

  it('needs no right but CAP_NET_ADMIN', async () => {
    const { ours, theirs } = await newTunnel();
    await ours.signal('SIGTERM');
    await ours.untilEnded();
    const only = ['setpriv', '--bounding-set=-all,+net_admin', '--inh-caps=-all'];
    await ourHost.run([...only, inRepository('node_modules/.bin/shadownet-wg'), ours.interfaceName]);
    await restore(ours, theirs, THEIRS);
    expect(await ours.canPing(theirs)).toBe(true);
  });

  it('works on when whoever reads its log is gone', async () => {
    const { ours, theirs } = await newTunnel();
    await ours.signal('SIGTERM');
    await ours.untilEnded();
    const start = `LOG_LEVEL=debug ${inRepository('node_modules/.bin/shadownet-wg')} ${ours.interfaceName} 2>&1 | head -n 1`;
    expect((await ourHost.run(['sh', '-c', start])).stdout).toContain('"event":"started"');
    await restore(ours, theirs, THEIRS);
    expect(await ours.canPing(theirs)).toBe(true);
  });

  it('ends when the socket is removed', async () => {
    const { ours } = await newPair();
    await ourHost.run(['rm', ours.socketPath]);
    await ours.untilEnded();
  });

  it('works on after its interface was moved to another namespace', async () => {
    const { ours, theirs } = await newTunnel();
    expect(await ours.canPing(theirs)).toBe(true);
    const inner = await lab.addPublicHost('inner', '203.0.113.30');
    await ourHost.ip('link', 'set', ours.interfaceName, 'netns', inner.name);
    await inner.ip('address', 'add', `${ours.addresses[0]}/24`, 'dev', ours.interfaceName);
    await inner.ip('link', 'set', ours.interfaceName, 'up');
    await inner.run(['ping', '-n', '-i', '0.2', '-c', '1', '-w', '5', theirs.addresses[0]]);
    await inner.ip('link', 'delete', ours.interfaceName);
    await ours.untilEnded();
  });

  it('changes keys after two minutes without losing a packet', { timeout: REKEY_WAIT_MS + 30_000 }, async () => {
    const { ours, theirs, ping, startedAt, firstHandshake } = rekeying;
    await pause(Math.max(0, REKEY_WAIT_MS - (performance.now() - startedAt)));
    await ping.moreReplies(3, 3000);
    await ping.stop();
    expect((await ours.peer(theirs)).latestHandshake - firstHandshake).toBeGreaterThanOrEqual(119);
    expect(ping.replies.length).toBeGreaterThan(500);
    expect(ping.lost()).toEqual([]);
  });
});

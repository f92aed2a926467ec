import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

import { enterFreshNetworkNamespace, processArena } from '@shadownet/native';
import { endpoint, parseIpAddress } from '@shadownet/primitives';
import { build } from 'esbuild';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';

import { buildEchoRequest, type Echo, readEcho } from './ipv4-packets.contract.js';
import { openLinuxTun } from './linux-tun.js';
import { describeTunDevice, nextPayloads, type TunHarness } from './tun-device.contract.js';
import type { TunDevice } from './tun-device.js';
import type { LinuxTunOptions } from './tun-setup.js';

const HOST = parseIpAddress('198.18.0.1')!;
const PEER = parseIpAddress('198.18.0.2')!;
const OPTIONS: LinuxTunOptions = { name: 'sn0', mtu: 1280, addresses: [{ address: HOST, length: 30 }] };

const leaveNamespace = tryEnterNamespace();
afterAll(() => leaveNamespace?.());

describe.skipIf(!leaveNamespace)('openLinuxTun (needs root, namespaces, /dev/net/tun, ip and ping)', () => {
  describeTunDevice(openHarness);

  it('reads the echo requests of a ping into its subnet', async () => {
    const device = await open(OPTIONS);
    const request = nextEcho(device);
    const ping = spawn('ping', ['-c', '1', '-W', '1', '198.18.0.2'], { stdio: 'ignore' });
    const ended = once(ping, 'exit');
    expect(await request).toMatchObject({ type: 8, sequence: 1 });
    ping.kill();
    await ended;
  });

  it('has an echo request that it writes answered by the kernel', async () => {
    const device = await open(OPTIONS);
    const reply = nextEcho(device);
    device.write(buildEchoRequest(PEER, HOST, 0x5348, 7));
    expect(await reply).toEqual({ type: 0, identifier: 0x5348, sequence: 7 });
  });

  it('gives the interface its addresses of both families, MTU and queue length', async () => {
    const v6 = { address: parseIpAddress('fd00:18::1')!, length: 64 };
    await open({ ...OPTIONS, mtu: 1420, addresses: [...OPTIONS.addresses, v6], queueLength: 64 });
    const shown = execFileSync('ip', ['addr', 'show', 'sn0'], { encoding: 'utf8' });
    expect(shown).toMatch(/mtu 1420 .* qlen 64/);
    expect(shown).toContain('inet 198.18.0.1/30');
    expect(shown).toContain('inet6 fd00:18::1/64');
    expect(execFileSync('ip', ['-6', 'route'], { encoding: 'utf8' })).toContain('fd00:18::/64 dev sn0');
  });

  it('leaves the interface down if told so, and then follows its state', async () => {
    const device = await openLinuxTun({ ...OPTIONS, addresses: [], initialState: 'down' });
    onTestFinished(() => device.close());
    expect(device.interfaceState()).toBe('down');
    execFileSync('ip', ['link', 'set', 'sn0', 'up', 'mtu', '1300']);
    expect(device.interfaceState()).toBe('up');
    expect(device.mtu).toBe(1300);
    execFileSync('ip', ['link', 'set', 'sn0', 'down']);
    expect(device.interfaceState()).toBe('down');
  });

  it('gets its address and comes up later, and gets another one in its place', async () => {
    const device = await openLinuxTun({ ...OPTIONS, addresses: [], initialState: 'down' });
    onTestFinished(() => device.close());
    device.bringUp([{ address: HOST, length: 30 }]);
    expect(device.interfaceState()).toBe('up');
    device.bringUp([{ address: parseIpAddress('198.18.7.1')!, length: 24 }]);
    expect(execFileSync('ip', ['-4', '-o', 'addr', 'show', 'sn0'], { encoding: 'utf8' })).toMatch(
      /^\d+: sn0 +inet 198\.18\.7\.1\/24 [^\n]*\n$/,
    );
    expect(execFileSync('ip', ['route'], { encoding: 'utf8' })).toMatch(/^198\.18\.7\.0\/24 dev sn0 [^\n]*\n$/);
    expect(() => device.bringUp([{ address: HOST, length: 33 }])).toThrow('a prefix length of 1 to 32');
  });

  it('tells its end also to who asks for the state first', async () => {
    const device = await openLinuxTun(OPTIONS);
    const closed = new Promise<Error>((resolve) => device.onClosed(resolve));
    execFileSync('ip', ['link', 'delete', 'sn0']);
    expect(device.interfaceState()).toBe('down');
    expect(await closed).toMatchObject({ code: 'tun-closed' });
  });

  it('keeps the event loop responsive while the host floods it', async () => {
    const harness = await openHarness();
    onTestFinished(() => harness.end());
    const all = nextPayloads(harness, 400);
    for (let i = 0; i < 400; i++) harness.hostSends(Uint8Array.of(i & 0xff));
    await new Promise((resolve) => setImmediate(resolve));
    expect(harness.device.counters.packetsRead).toBeLessThan(300);
    expect(await all).toHaveLength(400);
  });

  it('counts packets that the kernel does not take while the interface is down, and works again when it is up', async () => {
    const device = await open(OPTIONS);
    execFileSync('ip', ['link', 'set', 'sn0', 'down']);
    device.write(buildEchoRequest(PEER, HOST, 1, 1));
    expect(device.counters).toMatchObject({ packetsWritten: 0, writeErrors: 1 });
    execFileSync('ip', ['link', 'set', 'sn0', 'up']);
    const reply = nextEcho(device);
    device.write(buildEchoRequest(PEER, HOST, 1, 2));
    expect(await reply).toMatchObject({ type: 0, sequence: 2 });
  });

  it('removes the interface on close', async () => {
    const device = await open(OPTIONS);
    await device.close();
    expect(interfaces()).toEqual(['lo']);
  });

  it('pins no further memory when it is opened and closed again', async () => {
    await (await openLinuxTun(OPTIONS)).close();
    const pinned = processArena().pinnedBytes;
    for (let round = 0; round < 5; round++) await (await openLinuxTun(OPTIONS)).close();
    expect(processArena().pinnedBytes).toBe(pinned);
  });

  it('lets the interface vanish with a process that is killed, even if a child of it lives on', async () => {
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', await bundle(HOLDER)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = (await once(holder.stdout, 'data')) as [Buffer];
    const orphan = Number(output.toString());
    onTestFinished(() => void process.kill(orphan));
    expect(interfaces()).toContain('held0');
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    expect(interfaces()).toEqual(['lo']);
  });

  it('says that a name is taken, whether by another TUN or by another kind of interface', async () => {
    await open(OPTIONS);
    await expect(openLinuxTun(OPTIONS)).rejects.toMatchObject({
      code: 'tun-name-taken',
      message: 'the interface name sn0 is taken: stop what uses it or choose another name',
    });
    await expect(openLinuxTun({ ...OPTIONS, name: 'lo' })).rejects.toMatchObject({ code: 'tun-name-taken' });
  });

  it('tells a process without privileges to run as root or to get CAP_NET_ADMIN', async () => {
    const module = await bundle(REFUSED);
    const unprivileged = ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath];
    const output = execFileSync('setpriv', [...unprivileged, '--input-type=module', '--eval', module]);
    expect(output.toString()).toMatch(
      /^tun-permission-denied .*run as root or grant CAP_NET_ADMIN \(.*--cap-add NET_ADMIN .*\)\n$/,
    );
  });

  it('tells how to get /dev/net/tun where it is missing', async () => {
    const module = await bundle(REFUSED);
    const script = 'mount -t tmpfs none /dev/net && exec "$0" --input-type=module --eval "$1"';
    const output = execFileSync('unshare', ['--mount', 'sh', '-c', script, process.execPath, module]);
    expect(output.toString()).toMatch(/^tun-missing .*modprobe tun.*--device \/dev\/net\/tun\n$/);
  });

  it('leaves nothing behind when a setting is refused', async () => {
    await expect(openLinuxTun({ ...OPTIONS, queueLength: -1 })).rejects.toMatchObject({
      code: 'tun-setup-failed',
      message: 'the kernel refused to set up sn0: ioctl SIOCSIFTXQLEN sn0: EINVAL',
    });
    expect(interfaces()).toEqual(['lo']);
  });

  it('says so when IPv6 is off', async () => {
    execFileSync('sh', ['-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6']);
    onTestFinished(() => {
      execFileSync('sh', ['-c', 'echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6']);
    });
    const v6 = { address: parseIpAddress('fd00:18::1')!, length: 64 };
    await expect(openLinuxTun({ ...OPTIONS, addresses: [v6] })).rejects.toMatchObject({
      code: 'tun-setup-failed',
      message: expect.stringContaining('IPv6 is off'),
    });
  });
});

describe('the options of openLinuxTun', () => {
  it.each(['', 'sixteen-letters0', 'a b', 'a/b', 'a:1', 'tun%d', '..', 'tün'])('refuse the name %j', async (name) => {
    await expect(openLinuxTun({ ...OPTIONS, name })).rejects.toMatchObject({ code: 'tun-name-invalid' });
  });

  const v6 = { address: parseIpAddress('fd00::1')!, length: 64 };
  it.each<[string, Partial<LinuxTunOptions>]>([
    ['an MTU below the minimum of IPv4', { mtu: 575 }],
    ['an MTU below the minimum of IPv6 with an IPv6 address', { mtu: 1279, addresses: [v6] }],
    ['an MTU above the largest packet', { mtu: 65_536 }],
    ['a prefix length that the family does not have', { addresses: [{ address: HOST, length: 33 }] }],
    ['two IPv4 addresses', { addresses: [...OPTIONS.addresses, { address: PEER, length: 30 }] }],
  ])('refuse %s', async (_, change) => {
    await expect(openLinuxTun({ ...OPTIONS, ...change })).rejects.toMatchObject({ code: 'tun-settings-invalid' });
  });
});

/** A process that makes the interface held0, prints the id of a child that it started, and waits to be killed. */
const HOLDER = `
  import { spawn } from 'node:child_process';
  import { openLinuxTun } from './linux-tun.js';
  await openLinuxTun({ name: 'held0', mtu: 1280, addresses: [] });
  console.log(spawn('sleep', ['60'], { stdio: 'ignore' }).pid);
`;

/** A process that prints why it may not have a TUN. */
const REFUSED = `
  import { openLinuxTun } from './linux-tun.js';
  await openLinuxTun({ name: 'never0', mtu: 1280, addresses: [] }).catch(({ code, message }) => console.log(code, message));
`;

/** One module that node runs as it is, made of the TypeScript sources. */
async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@shadownet/source'],
    write: false,
  });
  return outputFiles[0]!.text;
}

async function open(options: LinuxTunOptions): Promise<TunDevice> {
  const device = await openLinuxTun(options);
  onTestFinished(() => device.close());
  return device;
}

async function openHarness(): Promise<TunHarness> {
  const device = await openLinuxTun(OPTIONS);
  const socket = createSocket('udp4').bind(0, '198.18.0.1');
  await once(socket, 'listening');
  const peer = endpoint(PEER, 7);
  return {
    device,
    flow: { source: peer, destination: endpoint(HOST, socket.address().port) },
    hostSends: (payload) => socket.send(payload, peer.port, '198.18.0.2'),
    async hostReceives() {
      const [payload] = (await once(socket, 'message')) as [Buffer];
      return Uint8Array.from(payload);
    },
    deleteInterface: () => void execFileSync('ip', ['link', 'delete', 'sn0']),
    async end() {
      socket.close();
      await device.close();
    },
  };
}

/** The next echo message that the host sends into the device. */
function nextEcho(device: TunDevice): Promise<Echo> {
  return new Promise((resolve) => {
    device.onPacket((packet) => {
      const echo = readEcho(packet, HOST);
      if (echo) resolve(echo);
    });
  });
}

function interfaces(): string[] {
  const shown = JSON.parse(execFileSync('ip', ['-json', 'link'], { encoding: 'utf8' })) as { ifname: string }[];
  return shown.map(({ ifname }) => ifname);
}

function tryEnterNamespace(): (() => void) | undefined {
  if (!existsSync('/dev/net/tun')) return undefined;
  try {
    execFileSync('ip', ['-V']);
    return enterFreshNetworkNamespace();
  } catch {
    return undefined;
  }
}

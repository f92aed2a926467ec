// `wg` on a mesh node: it sees the mesh, and may not change it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandOutput } from '../lab/command.js';
import { eventually } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';

const INTERFACE = 'shadownet0';
const EPERM_TEXT = 'Operation not permitted';

const missing = whyNoLab() ?? ['wg', 'unshare'].find((program) => !isInstalled(program));

describe.skipIf(missing !== undefined)('wg on a mesh node (needs root and wg)', () => {
  let lab: Lab;
  let mesh: TwoNatMesh;
  let ipB: string;
  let keyA: string;
  let keyB: string;
  beforeAll(async () => {
    lab = await Lab.create();
    mesh = await TwoNatMesh.layOut(lab);
    ({ ipB } = await mesh.start());
    [keyA, keyB] = [(await mesh.nodeA.status()).public_key, (await mesh.nodeB.status()).public_key];
    await expectPings();
  });
  afterAll(async () => {
    mesh?.stopFollowing();
    await lab?.dispose();
  });

  /** On host A, where /var/run/wireguard is the node's folder: in a mount namespace, for there is one file system for all hosts. */
  function wg(...args: readonly string[]): Promise<CommandOutput> {
    const script = `mount -t tmpfs none /var/run && mkdir /var/run/wireguard &&
      mount --bind ${mesh.nodeA.uapiDirectory} /var/run/wireguard && exec wg "$@"`;
    return mesh.hostA.tryRun(['unshare', '--mount', 'sh', '-c', script, 'wg', ...args]);
  }

  async function expectPings(): Promise<void> {
    const ping = Ping.start(mesh.hostA, ipB);
    await ping.moreReplies(10, 15_000);
    await ping.stop();
  }

  it('shows the peer with its endpoint, allowed IPs, a handshake of just now, and traffic', async () => {
    const { code, stdout } = await wg('show', INTERFACE);
    expect(code).toBe(0);
    expect(stdout).toContain(`interface: ${INTERFACE}\n`);
    expect(stdout).toContain(`listening port: ${String((await mesh.nodeA.status()).udp_port)}\n`);
    expect(stdout).toContain(`peer: ${keyB}\n`);
    expect(stdout).toMatch(/endpoint: 203\.0\.113\.22:\d+\n/);
    expect(stdout).toContain(`allowed ips: ${ipB}/32\n`);
    expect(stdout).toMatch(/latest handshake: (Now|.*seconds? ago)\n/);
    expect(stdout).toMatch(/transfer: [\d.]+ \w+ received, [\d.]+ \w+ sent\n/);
  });

  it('tells scripts the same as shadownet-node status does', async () => {
    const { stdout } = await wg('show', INTERFACE, 'dump');
    const [device = [], peer = [], ...others] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(others).toEqual([]);
    const { peers, udp_port: port } = await mesh.nodeA.status();
    expect(device).toEqual(['(none)', '(none)', String(port), 'off']);
    const [key, presharedKey, endpoint, allowedIps, handshake, received, sent, keepalive] = peer;
    expect([key, presharedKey, endpoint, allowedIps, keepalive]).toEqual([
      keyB,
      '(none)',
      peers[0]?.endpoint,
      `${ipB}/32`,
      'off',
    ]);
    const age = Date.now() / 1000 - Number(handshake);
    expect(Math.abs(age - peers[0]!.last_handshake_s_ago!)).toBeLessThan(3);
    expect(Number(received)).toBeGreaterThan(0);
    expect(Number(sent)).toBeGreaterThan(0);
  });

  it('is not given the private key', async () => {
    expect((await wg('show', INTERFACE, 'private-key')).stdout).toBe('(none)\n');
    const { code, stdout } = await wg('showconf', INTERFACE);
    expect(code).toBe(0);
    expect(stdout).toContain(`PublicKey = ${keyB}\n`);
    expect(stdout).not.toContain('PrivateKey');
  });

  it('may set nothing, and the mesh goes on as it was', async () => {
    const before = (await mesh.nodeA.status()).peers[0]!.endpoint;
    for (const args of [
      ['listen-port', '1'],
      ['fwmark', '7'],
      ['peer', keyB, 'remove'],
      ['peer', keyB, 'endpoint', '203.0.113.66:1'],
      ['peer', keyB, 'allowed-ips', '0.0.0.0/0'],
      ['peer', keyA, 'allowed-ips', '10.100.9.9/32'],
    ]) {
      const { code, stderr } = await wg('set', INTERFACE, ...args);
      expect({ args, code, isRefused: stderr.includes(EPERM_TEXT) }).toEqual({ args, code: 1, isRefused: true });
    }
    await expectPings();
    const { peers } = await mesh.nodeA.status();
    expect(peers).toMatchObject([{ hostname: 'host-b', virtual_ip: ipB, endpoint: before }]);
  });

  it('finds no interface any more once the node is down', async () => {
    await mesh.nodeA.down();
    await eventually('the socket to be gone', 5000, async () =>
      (await wg('show', 'interfaces')).stdout.trim() === '' ? true : undefined,
    );
    await mesh.nodeA.up();
    expect((await wg('show', 'interfaces')).stdout.trim()).toBe(INTERFACE);
  });
});

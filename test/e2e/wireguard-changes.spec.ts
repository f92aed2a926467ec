// What `wg` changes of a tunnel in use takes effect at once, and nothing else does.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, pause } from '../lab/eventually.js';
import { Ping } from '../lab/ping.js';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { UdpPeer } from '../lab/udp-peer.js';
import { OUR_HOST, THEIR_HOST, TunnelLab } from '../wireguard/tunnel-lab.js';
import { askUapi, keyInHex } from '../wireguard/uapi-client.js';
import { newPresharedKey, type WireGuardEnd } from '../wireguard/wireguard-end.js';

const INITIATION_LENGTH = 148;
/** Header and tag of a transport message. */
const MESSAGE_OVERHEAD = 32;
const FIREWALL_MARK = '51';
const PINGS = 50;

const missing = whyNoLab() ?? ['wg', 'wireguard-go'].find((program) => !isInstalled(program));

describe.skipIf(missing !== undefined).each(['linux', 'portable'] as const)(
  'shadownet-wg, changed while in use, on the data plane %s (needs root, wg and wireguard-go)',
  (dataPlane) => {
    let lab: TunnelLab;
    beforeAll(async () => {
      lab = await TunnelLab.create();
    });
    afterAll(() => lab?.dispose());

    it('talks under new keys once both ends have them, and not before', async () => {
      const { ours, theirs } = await lab.newTunnel({ dataPlane });
      expect(await ours.canPing(theirs)).toBe(true);

      const oldKey = theirs.publicKey;
      await theirs.newPrivateKey();
      expect(await theirs.canPing(ours, 4, 1)).toBe(false);
      await ours.set('peer', oldKey, 'remove');
      await ours.addPeer(theirs, { endpoint: `${THEIR_HOST}:${String(theirs.port)}` });
      expect(await ours.canPing(theirs)).toBe(true);

      const ourOldKey = ours.publicKey;
      await ours.newPrivateKey();
      expect(await ours.canPing(theirs, 4, 1)).toBe(false);
      await theirs.set('peer', ourOldKey, 'remove');
      await theirs.addPeer(ours, { endpoint: `${OUR_HOST}:${String(ours.port)}` });
      expect(await theirs.canPing(ours)).toBe(true);
      expect(await ours.canPing(theirs)).toBe(true);
    });

    it('talks once preshared keys agree, and not before', async () => {
      const { ours, theirs } = await lab.newPair({ dataPlane });
      const presharedKey = newPresharedKey();
      await ours.addPeer(theirs, { endpoint: `${THEIR_HOST}:${String(theirs.port)}`, presharedKey });
      await theirs.addPeer(ours, { presharedKey: newPresharedKey() });
      await ours.up();
      await theirs.up();
      expect(await ours.canPing(theirs, 4, 2)).toBe(false);
      await theirs.addPeer(ours, { presharedKey });
      expect(await ours.canPing(theirs, 6, 12)).toBe(true);
    });

    it('goes on from another port, and frees the old one', async () => {
      const { ours, theirs } = await lab.newTunnel({ dataPlane });
      expect(await ours.canPing(theirs)).toBe(true);
      const ping = Ping.start(lab.ourHost, theirs.addresses[0], 50);
      await ping.moreReplies(5, 3000);
      await ours.set('listen-port', '52999');
      await ping.moreReplies(5, 3000);
      await ping.stop();
      expect(ping.lost().length).toBeLessThanOrEqual(2);
      expect((await theirs.peer(ours)).endpoint).toBe(`${OUR_HOST}:52999`);
      expect((await lab.ourHost.run(['ss', '-Hulpn', `sport = :${String(ours.port)}`])).stdout).toBe('');
      await ours.set('listen-port', String(ours.port));
      expect(await theirs.canPing(ours, 4, 2)).toBe(false);
      expect(await ours.canPing(theirs)).toBe(true);
    });

    it('talks over link-local addresses, which have the zone that wg sets and shows', async () => {
      await lab.ourHost.ip('address', 'add', 'fe80::a/64', 'dev', 'eth0', 'nodad');
      await lab.theirHost.ip('address', 'add', 'fe80::b/64', 'dev', 'eth0', 'nodad');
      const [asked, asking] = [await lab.newPair({ dataPlane }), await lab.newPair({ dataPlane })];
      for (const { ours, theirs } of [asked, asking]) {
        await ours.addPeer(theirs);
        await theirs.addPeer(ours);
        await ours.up();
        await theirs.up();
      }
      // One that we are told of, by name; the interface's number stands for the same.
      const index = (await lab.ourHost.run(['cat', '/sys/class/net/eth0/ifindex'])).stdout.trim();
      for (const zone of [index, 'eth0']) {
        await asking.ours.addPeer(asking.theirs, { endpoint: `[fe80::b%${zone}]:${String(asking.theirs.port)}` });
        expect((await asking.ours.peer(asking.theirs)).endpoint).toBe(`[fe80::b%eth0]:${String(asking.theirs.port)}`);
      }
      expect(await asking.ours.canPing(asking.theirs)).toBe(true);

      // One that we learn.
      await asked.theirs.addPeer(asked.ours, { endpoint: `[fe80::a%eth0]:${String(asked.ours.port)}` });
      expect(await asked.theirs.canPing(asked.ours)).toBe(true);
      expect((await asked.ours.peer(asked.theirs)).endpoint).toMatch(/^\[fe80::.*%eth0\]:/);
      // wireguard-go does not show zones. The portable plane answers from the address that the system prefers.
      const answersFrom = (await asked.theirs.peer(asked.ours)).endpoint.replace('%eth0', '');
      if (dataPlane === 'linux') expect(answersFrom).toBe(`[fe80::a]:${String(asked.ours.port)}`);
      expect(await asked.ours.canPing(asked.theirs)).toBe(true);
    });

    it('marks what it sends, also from another port, until it is told not to', async () => {
      const { ours, theirs } = await lab.newTunnel({ dataPlane });
      expect(await ours.canPing(theirs)).toBe(true);
      await lab.ourHost.ip('rule', 'add', 'fwmark', FIREWALL_MARK, 'prohibit');
      expect(await ours.canPing(theirs)).toBe(true);
      await ours.set('fwmark', FIREWALL_MARK);
      expect(await ours.canPing(theirs, 4, 1)).toBe(false);
      await ours.set('listen-port', '52998');
      expect(await ours.canPing(theirs, 4, 1)).toBe(false);
      await ours.set('fwmark', 'off');
      expect(await ours.canPing(theirs)).toBe(true);
      await lab.ourHost.ip('rule', 'delete', 'fwmark', FIREWALL_MARK, 'prohibit');
    });

    it('pads packets up to the MTU that the interface has now', async () => {
      const { ours, theirs } = await lab.newTunnel({ dataPlane });
      expect(await ours.canPing(theirs)).toBe(true);
      const bytesOfPings = async (): Promise<number> => {
        const before = (await ours.peer(theirs)).txBytes;
        const argv = ['ping', '-n', '-q', '-i', '0.01', '-c', String(PINGS), '-s', '1272', theirs.addresses[0]];
        await ours.host.run(argv);
        return (await ours.peer(theirs)).txBytes - before;
      };
      expectMessages(await bytesOfPings(), 1300 + 12 + MESSAGE_OVERHEAD);
      await lab.ourHost.ip('link', 'set', ours.interfaceName, 'mtu', '1300');
      await eventually('the MTU to be noticed', 3000, async () =>
        (await bytesOfPings()) < PINGS * (1300 + 12 + MESSAGE_OVERHEAD) ? true : undefined,
      );
      expectMessages(await bytesOfPings(), 1300 + MESSAGE_OVERHEAD);
    });

    it('neither sends to a removed peer nor takes anything from it', async () => {
      const { ours, theirs } = await lab.newTunnel({ dataPlane });
      expect(await ours.canPing(theirs)).toBe(true);
      await ours.set('peer', theirs.publicKey, 'remove');
      const { rxBytes } = await theirs.peer(ours);
      const delivered = await packetsDelivered(ours);
      const answers = await Promise.all([ours.canPing(theirs, 4, 1), theirs.canPing(ours, 4, 1)]);
      expect(answers).toEqual([false, false]);
      expect((await theirs.peer(ours)).rxBytes).toBe(rxBytes);
      expect(await packetsDelivered(ours)).toBe(delivered);

      await ours.addPeer(theirs, { endpoint: `${THEIR_HOST}:${String(theirs.port)}` });
      expect(await ours.canPing(theirs)).toBe(true);
    });

    it('drops packets whose source is not the peer’s, and takes back one allowed IP', async () => {
      const { ours, theirs } = await lab.newTunnel({ dataPlane });
      expect(await theirs.canPing(ours)).toBe(true);
      const second = theirs.addresses[0].replace(/\.2$/, '.3');
      await theirs.host.ip('address', 'add', `${second}/32`, 'dev', theirs.interfaceName);
      const canPingFrom = async (source: string): Promise<boolean> => {
        const argv = ['ping', '-n', '-I', source, '-i', '0.2', '-c', '3', '-w', '1', ours.addresses[0]];
        return (await theirs.host.tryRun(argv)).code === 0;
      };

      const before = await packetsDelivered(ours);
      const received = (await ours.peer(theirs)).rxBytes;
      expect(await canPingFrom(second)).toBe(false);
      expect((await ours.peer(theirs)).rxBytes).toBeGreaterThan(received);
      expect(await packetsDelivered(ours)).toBe(before);

      const allow = (prefix: string) =>
        askUapi(ours.socketPath, ['set=1', `public_key=${keyInHex(theirs.publicKey)}`, `allowed_ip=${prefix}`]);
      expect(await allow(`${second}/32`)).toEqual(['errno=0']);
      expect(await canPingFrom(second)).toBe(true);
      expect(await allow(`-${second}/32`)).toEqual(['errno=0']);
      expect(await canPingFrom(second)).toBe(false);
      expect(await canPingFrom(theirs.addresses[0])).toBe(true);
      // Nobody has it any more, which is no mistake.
      expect(await allow(`-${second}/32`)).toEqual(['errno=0']);
    });

    it('sends nothing before it is up, nor without a private key, nor after it went down', async () => {
      const { ours, theirs } = await lab.newPair({ dataPlane });
      await theirs.signal('SIGTERM');
      const sink = await UdpPeer.start(lab.theirHost, theirs.port);
      await ours.addPeer(theirs, { endpoint: `${THEIR_HOST}:${String(theirs.port)}` });
      await ours.set('private-key', '/dev/null', 'peer', theirs.publicKey, 'persistent-keepalive', '1');
      const isSilent = async (ms: number): Promise<void> => {
        const before = sink.received.length;
        await ours.canPing(theirs, 4, 1);
        await pause(ms);
        expect(sink.received.slice(before)).toEqual([]);
      };

      await ours.up();
      await isSilent(1000);
      await lab.ourHost.ip('link', 'set', ours.interfaceName, 'down');
      await ours.set('private-key', ours.privateKeyFile);
      await isSilent(500);
      await lab.ourHost.ip('link', 'set', ours.interfaceName, 'up');
      await eventually('an initiation', 3000, () => sink.received[0]);
      expect(sink.received.map(({ bytes }) => bytes.length)).toEqual([INITIATION_LENGTH]);
      await lab.ourHost.ip('link', 'set', ours.interfaceName, 'down');
      // Within which the interface is looked at again.
      await pause(300);
      await isSilent(1000);
      await sink.stop();
    });
  },
);

/** That `bytes` are PINGS messages of this length, and at most a handshake and a keepalive besides. */
function expectMessages(bytes: number, length: number): void {
  expect(bytes).toBeGreaterThanOrEqual(PINGS * length);
  expect(bytes).toBeLessThan(PINGS * length + INITIATION_LENGTH + 2 * MESSAGE_OVERHEAD);
}

/** How many packets the interface has handed to its host. */
async function packetsDelivered(end: WireGuardEnd): Promise<number> {
  const path = `/sys/class/net/${end.interfaceName}/statistics/rx_packets`;
  return Number((await end.host.run(['cat', path])).stdout);
}

// What must not happen to shadownet-wg, whatever arrives or is configured: a loop, an answer to a replay, a peer led astray, a
// tunnel that dies with an address.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, pause } from '../lab/eventually.js';
import { Ping } from '../lab/ping.js';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { UdpPeer } from '../lab/udp-peer.js';
import { ForeignPeer } from '../wireguard/foreign-peer.js';
import { OUR_HOST, THEIR_HOST, TunnelLab } from '../wireguard/tunnel-lab.js';
import { type WireGuardEnd } from '../wireguard/wireguard-end.js';

const OUR_SECOND_ADDRESS = '203.0.113.20';
const RESPONSE_LENGTH = 92;
/** What the issue allows after 100 pings in a flood. */
const MAX_LOOP_BYTES = 70_000;

const missing = whyNoLab() ?? ['wg', 'wireguard-go'].find((program) => !isInstalled(program));

describe.skipIf(missing !== undefined).each(['linux', 'portable'] as const)(
  'shadownet-wg on the data plane %s (needs root, wg and wireguard-go)',
  (dataPlane) => {
    let lab: TunnelLab;
    beforeAll(async () => {
      lab = await TunnelLab.create();
    });
    afterAll(() => lab?.dispose());

    it('does not loop when a peer’s endpoint is said to lie in its own tunnel', async () => {
      const { ours, theirs } = await lab.newPair({ dataPlane });
      await ours.addPeer(theirs, { endpoint: `${theirs.addresses[0]}:51820` });
      await ours.up();
      await floodPing(ours, theirs);
      const { txBytes } = await ours.peer(theirs);
      await pause(2000);
      expect((await ours.peer(theirs)).txBytes).toBeLessThan(MAX_LOOP_BYTES);
      expect((await ours.peer(theirs)).txBytes - txBytes).toBeLessThan(MAX_LOOP_BYTES);
    });

    it('does not loop when the endpoint of a session is moved into its own tunnel', async () => {
      const { ours, theirs } = await lab.newTunnel({ dataPlane });
      expect(await ours.canPing(theirs)).toBe(true);
      const before = (await ours.peer(theirs)).txBytes;
      await ours.set('peer', theirs.publicKey, 'endpoint', `${theirs.addresses[0]}:51820`);
      await floodPing(ours, theirs);
      await pause(2000);
      expect((await ours.peer(theirs)).txBytes - before).toBeLessThan(MAX_LOOP_BYTES);

      await ours.set('peer', theirs.publicKey, 'endpoint', `${THEIR_HOST}:${String(theirs.port)}`);
      expect(await ours.canPing(theirs)).toBe(true);
    });

    it('says nothing to replayed, older or spoofed messages, and stays with the peer that sent them', async () => {
      const { ours, theirs } = await lab.newPair({ dataPlane });
      await theirs.signal('SIGTERM');
      const peer = new ForeignPeer(ours.publicKey);
      await ours.set('peer', peer.publicKey, 'allowed-ips', '10.99.0.2/32');
      await ours.up();
      const target = `${OUR_HOST}:${String(ours.port)}`;
      const [honest, thief] = [await UdpPeer.start(lab.theirHost, 0), await UdpPeer.start(lab.theirHost, 0)];
      const endpoint = async (): Promise<string> => {
        const { stdout } = await lab.ourHost.run(['wg', 'show', ours.interfaceName, 'endpoints']);
        return stdout.trim().split('\t')[1] ?? '';
      };

      const older = peer.initiation();
      const initiation = peer.initiation();
      honest.send(target, initiation);
      const response = await eventually('a response', 3000, () => honest.received[0]);
      expect(response.bytes.length).toBe(RESPONSE_LENGTH);
      const keepalive = peer.hear(response.bytes).said[0]!;
      honest.send(target, keepalive);
      const data = peer.seal(ipv4Packet());
      honest.send(target, data);
      await eventually('the packet to arrive', 3000, async () => ((await endpoint()) !== '' ? true : undefined));
      const stranger = new ForeignPeer(ours.publicKey);
      const before = honest.received.length;

      const damaged = peer.seal(ipv4Packet());
      damaged[damaged.length - 1]! ^= 1;
      const spoofed = peer.seal(ipv4Packet(9));
      const useless = [initiation, older, keepalive, data, damaged, spoofed, response.bytes, stranger.initiation()];
      for (const message of useless) {
        thief.send(target, message);
      }
      await pause(1000);
      expect(thief.received).toEqual([]);
      expect(honest.received.length).toBe(before);
      expect(await endpoint()).toBe(`${THEIR_HOST}:${String(honest.port)}`);

      // A fresh message from there is another matter.
      thief.send(target, peer.seal(ipv4Packet()));
      await eventually('the endpoint to follow', 3000, async () =>
        (await endpoint()) === `${THEIR_HOST}:${String(thief.port)}` ? true : undefined,
      );
      await Promise.all([honest.stop(), thief.stop()]);
    });

    const answersFrom = dataPlane === 'linux' ? OUR_SECOND_ADDRESS : OUR_HOST;
    it(`answers from ${answersFrom} when spoken to at ${OUR_SECOND_ADDRESS}, and goes on within two seconds when that is gone`, async () => {
      const { ours, theirs } = await lab.newPair({ dataPlane });
      await lab.ourHost.ip('address', 'add', `${OUR_SECOND_ADDRESS}/24`, 'dev', 'eth0');
      await ours.addPeer(theirs);
      await theirs.addPeer(ours, { endpoint: `${OUR_SECOND_ADDRESS}:${String(ours.port)}` });
      await ours.up();
      await theirs.up();
      expect(await theirs.canPing(ours)).toBe(true);
      expect((await theirs.peer(ours)).endpoint).toBe(`${answersFrom}:${String(ours.port)}`);
      expect(await ours.canPing(theirs)).toBe(true);

      const ping = Ping.start(lab.ourHost, theirs.addresses[0], 100);
      await ping.moreReplies(3, 3000);
      await lab.ourHost.ip('address', 'delete', `${OUR_SECOND_ADDRESS}/24`, 'dev', 'eth0');
      const goneAt = Date.now();
      expect((await ping.firstReply(5000, goneAt + 50)).at - goneAt).toBeLessThan(2000);
      await ping.stop();
      expect((await theirs.peer(ours)).endpoint).toBe(`${OUR_HOST}:${String(ours.port)}`);
    });
  },
);

/** Into the tunnel, whose other end does not answer. */
async function floodPing(from: WireGuardEnd, to: WireGuardEnd): Promise<void> {
  await from.host.tryRun(['ping', '-n', '-f', '-c', '100', '-w', '1', to.addresses[0]]);
}

/** From 10.99.0.2, whom the peer may be, or from somebody whom it may not, to nobody. */
function ipv4Packet(from = 2): Uint8Array {
  return Uint8Array.from([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 99, 0, from, 10, 99, 0, 3]);
}

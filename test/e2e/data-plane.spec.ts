// The fast data plane between two shadownet-wg: every byte of a stream is checked, in both directions and families, while keys
// are renewed and peers are taken away.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, pause } from '../lab/eventually.js';
import { Lab, type LabHost } from '../lab/lab.js';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { CheckedStreamReceiver, sendCheckedStream } from '../wireguard/checked-stream.js';
import { WireGuardEnd } from '../wireguard/wireguard-end.js';

const LEFT = '203.0.113.10';
const RIGHT = '203.0.113.11';
const STREAM_BYTES = 100_000_000;
/** A stream that lasts longer than REKEY_AFTER_TIME. */
const LONG_STREAM = { bytes: 640_000_000, bytesPerSecond: 5_000_000 };

const missing = whyNoLab() ?? (isInstalled('wg') ? undefined : 'wg');

describe.skipIf(missing !== undefined)('the fast data plane (needs root and wg)', () => {
  let lab: Lab;
  let leftHost: LabHost;
  let rightHost: LabHost;
  let pairs = 0;
  let long: { left: WireGuardEnd; right: WireGuardEnd; receiver: CheckedStreamReceiver; firstHandshake: number };

  beforeAll(async () => {
    lab = await Lab.create();
    leftHost = await lab.addPublicHost('left', LEFT);
    rightHost = await lab.addPublicHost('right', RIGHT);
    const { left, right } = await newTunnel();
    const receiver = await CheckedStreamReceiver.start(rightHost, right.addresses[0]);
    const { latestHandshake: firstHandshake } = await left.peer(right);
    sendCheckedStream(leftHost, right.addresses[0], receiver.port, LONG_STREAM.bytes, LONG_STREAM.bytesPerSecond);
    long = { left, right, receiver, firstHandshake };
  });
  afterAll(() => lab.dispose());

  async function newTunnel(workerPairs?: number): Promise<{ left: WireGuardEnd; right: WireGuardEnd }> {
    const { left, right } = await newPair(workerPairs);
    await left.up();
    await right.up();
    expect(await left.canPing(right)).toBe(true);
    return { left, right };
  }

  /** Two ends that know each other and are not up yet. */
  async function newPair(workerPairs?: number): Promise<{ left: WireGuardEnd; right: WireGuardEnd }> {
    const n = String(++pairs);
    const create = (host: LabHost, last: string): Promise<WireGuardEnd> =>
      WireGuardEnd.create(
        lab,
        host,
        'shadownet-wg',
        [`10.88.${n}.${last}`, `fd88:${n}::${last}`],
        52_000 + pairs,
        'linux',
        workerPairs,
      );
    const left = await create(leftHost, '1');
    const right = await create(rightHost, '2');
    await left.addPeer(right, { endpoint: `${RIGHT}:${String(right.port)}` });
    await right.addPeer(left, { endpoint: `${LEFT}:${String(left.port)}` });
    return { left, right };
  }

  it('takes a handshake that comes as soon as the link is up', async () => {
    const { left, right } = await newPair();
    // Without IPv6 the host itself sends nothing into the interface by which that would be noticed.
    for (const end of [left, right]) {
      await end.host.ip('address', 'add', `${end.addresses[0]}/24`, 'dev', end.interfaceName);
      await end.host.ip('link', 'set', end.interfaceName, 'up', 'addrgenmode', 'none');
    }
    // An initiation that finds nobody comes again after 5 s only.
    expect(await left.canPing(right, 4, 4)).toBe(true);
  });

  it.each([
    ['IPv4', 0],
    ['IPv6', 1],
  ] as const)('carries %s streams both ways at once without a wrong byte', async (_, family) => {
    const { left, right } = await newTunnel();
    const toRight = await CheckedStreamReceiver.start(rightHost, right.addresses[family]);
    const toLeft = await CheckedStreamReceiver.start(leftHost, left.addresses[family]);
    for (let stream = 0; stream < 2; stream++) {
      sendCheckedStream(leftHost, right.addresses[family], toRight.port, STREAM_BYTES);
      sendCheckedStream(rightHost, left.addresses[family], toLeft.port, STREAM_BYTES);
    }
    const whole = { received: STREAM_BYTES, firstWrong: -1 };
    expect(await toRight.results(2)).toEqual([whole, whole]);
    expect(await toLeft.results(2)).toEqual([whole, whole]);
  });

  it('carries packets of every size up to the MTU, and fragments beyond it', async () => {
    const { left, right } = await newTunnel();
    for (const size of [0, 1, 15, 16, 17, 700, 1391, 1392, 1393, 4000]) {
      const pings = ['ping', '-n', '-c', '3', '-i', '0.05', '-W', '2', '-s', String(size)];
      for (const address of right.addresses) expect((await left.host.tryRun([...pings, address])).code).toBe(0);
    }
  });

  it.each([1, 3])(
    'delivers nothing of a peer that `wg` has removed, whatever %i pairs have under way',
    async (pairs) => {
      const { left, right } = await newTunnel(pairs);
      const receiver = await CheckedStreamReceiver.start(rightHost, right.addresses[0]);
      const sender = sendCheckedStream(leftHost, right.addresses[0], receiver.port, 10 * STREAM_BYTES);
      const receivedPackets = async (): Promise<number> => {
        const path = `/sys/class/net/${right.interfaceName}/statistics/rx_packets`;
        return Number((await rightHost.run(['sh', '-c', `mount -t sysfs sysfs /sys 2>/dev/null; cat ${path}`])).stdout);
      };
      await eventually('the stream to be under way', 10_000, async () =>
        (await receivedPackets()) > 200 ? true : undefined,
      );

      await right.set('peer', left.publicKey, 'remove');
      const after = await receivedPackets();
      await pause(500);
      expect(await receivedPackets()).toBe(after);
      await sender.stop('SIGKILL');
    },
  );

  it('renews its keys in the middle of a stream without a wrong byte', { timeout: 240_000 }, async () => {
    const [result] = await long.receiver.results(1);
    expect(result).toEqual({ received: LONG_STREAM.bytes, firstWrong: -1 });
    expect((await long.left.peer(long.right)).latestHandshake).toBeGreaterThan(long.firstHandshake + 100);
  });
});

// Several pairs of workers between two shadownet-wg: many flows at once, of which no byte is wrong and no packet overtakes another.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lab/eventually.js';
import { Lab, type LabHost } from '../lab/lab.js';
import { isInstalled, whyNoLab } from '../lab/requirements.mjs';
import { CheckedStreamReceiver, sendCheckedStream } from '../wireguard/checked-stream.js';
import { WireGuardEnd } from '../wireguard/wireguard-end.js';

const LEFT = '203.0.113.10';
const RIGHT = '203.0.113.11';
const STREAMS = 4;
const STREAM_BYTES = 40_000_000;
const UDP_SECONDS = 4;
/** What the machine carries on a busy day too: what is lost does not tell the order. */
const UDP_FLOW = ['-P', '4', '-b', '20M', '-l', '1000'];

const missing = whyNoLab() ?? ['wg', 'iperf3'].find((program) => !isInstalled(program));

describe.skipIf(missing !== undefined).each([2, 4])(
  '%i pairs of workers (needs root, wg and iperf3)',
  (workerPairs) => {
    let lab: Lab;
    let leftHost: LabHost;
    let rightHost: LabHost;
    let left: WireGuardEnd;
    let right: WireGuardEnd;

    beforeAll(async () => {
      lab = await Lab.create();
      leftHost = await lab.addPublicHost('left', LEFT);
      rightHost = await lab.addPublicHost('right', RIGHT);
      left = await newEnd(leftHost, '1');
      right = await newEnd(rightHost, '2');
      await left.addPeer(right, { endpoint: `${RIGHT}:${String(right.port)}` });
      await right.addPeer(left, { endpoint: `${LEFT}:${String(left.port)}` });
      await left.up();
      await right.up();
      expect(await left.canPing(right)).toBe(true);
    });
    afterAll(() => lab?.dispose());

    const newEnd = (host: LabHost, last: string): Promise<WireGuardEnd> =>
      WireGuardEnd.create(
        lab,
        host,
        'shadownet-wg',
        [`10.89.${String(workerPairs)}.${last}`, `fd89:${String(workerPairs)}::${last}`],
        52_100,
        'linux',
        workerPairs,
      );

    it('have a queue of the TUN each', async () => {
      const { stdout } = await leftHost.run(['ip', '-details', '-json', 'link', 'show', left.interfaceName]);
      expect(JSON.parse(stdout)).toMatchObject([
        { linkinfo: { info_data: { multi_queue: true, numqueues: workerPairs } } },
      ]);
    });

    it('carry many streams both ways at once without a wrong byte, and in order', async () => {
      const toRight = await CheckedStreamReceiver.start(rightHost, right.addresses[0]);
      const toLeft = await CheckedStreamReceiver.start(leftHost, left.addresses[1]);
      for (let stream = 0; stream < STREAMS; stream++) {
        sendCheckedStream(leftHost, right.addresses[0], toRight.port, STREAM_BYTES);
        sendCheckedStream(rightHost, left.addresses[1], toLeft.port, STREAM_BYTES);
      }
      const whole = Array.from({ length: STREAMS }, () => ({ received: STREAM_BYTES, firstWrong: -1 }));
      expect(await toRight.results(STREAMS)).toEqual(whole);
      expect(await toLeft.results(STREAMS)).toEqual(whole);
      // What TCP itself has found: acknowledgements that say a segment was overtaken, not lost.
      expect([await reorderings(leftHost), await reorderings(rightHost)]).toEqual([0, 0]);
    });

    it.each([[[]], [['-R']]])('carry UDP flows in order (iperf3 %j)', async (direction) => {
      const server = rightHost.spawn(['iperf3', '-s', '-1', '--forceflush', '-B', right.addresses[0]]);
      let isListening = false;
      server.onLine((line) => (isListening ||= line.startsWith('Server listening')));
      await eventually('iperf3 to listen', 5_000, () => (isListening ? true : undefined));
      const iperf = [
        'iperf3',
        '-c',
        right.addresses[0],
        '-t',
        String(UDP_SECONDS),
        '-J',
        '-u',
        ...UDP_FLOW,
        ...direction,
      ];
      const { stdout } = await leftHost.run(iperf);
      await server.stop();
      const { end } = JSON.parse(stdout) as { end: { streams: { udp: { out_of_order: number; packets: number } }[] } };
      expect(end.streams.map(({ udp }) => udp.out_of_order)).toEqual([0, 0, 0, 0]);
      for (const { udp } of end.streams) expect(udp.packets).toBeGreaterThan(1000);
    });
  },
);

/** Of all TCP connections that a host has sent by. */
async function reorderings(host: LabHost): Promise<number> {
  const { stdout } = await host.run(['cat', '/proc/net/netstat']);
  const [names = [], values = []] = stdout
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  const counted = ['TCPSACKReorder', 'TCPTSReorder', 'TCPRenoReorder'];
  return counted.reduce((sum, name) => sum + Number(values[names.indexOf(name)]), 0);
}

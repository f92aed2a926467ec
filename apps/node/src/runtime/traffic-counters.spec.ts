import { type DataPlane, portableDataPlane } from '@shadownet/dataplane';
import { endpoint, parseIpAddress } from '@shadownet/primitives';
import { MemoryTun } from '@shadownet/tun';
import { MemoryUdpNetwork, type UdpSocket } from '@shadownet/udp';
import { describe, expect, it } from 'vitest';
import { trafficCounters } from './traffic-counters.js';

const ADDRESS = parseIpAddress('192.0.2.1')!;

/** One that has sent a datagram. */
async function socket(): Promise<UdpSocket> {
  const opened = await new MemoryUdpNetwork().open([ADDRESS], { port: 1000 });
  opened.send(Uint8Array.of(1), endpoint(ADDRESS, 1000));
  return opened;
}

/** A data plane whose workers have counted this. */
function withWorkers(counted: Record<string, number>): DataPlane {
  return Object.assign(Object.create(portableDataPlane(new MemoryTun())) as DataPlane, {
    kind: 'linux',
    tun: new MemoryTun(),
    counters: () => counted,
  });
}

describe('the counters of a status', () => {
  it('add what workers dropped to what the engine dropped for the same reason', async () => {
    const workers = withWorkers({ unknownIndex: 2, notForUs: 1, replayedCounter: 0, probesLost: 3, filterDenied: 4 });
    const counters = trafficCounters({ 'unknown-index': 5, 'datagram-unknown': 1 }, await socket(), workers);
    expect(counters).toMatchObject({
      'unknown-index': 7,
      'datagram-unknown': 2,
      'udp-probes-lost': 3,
      'filter-denied': 4,
    });
    expect(counters).not.toHaveProperty('replayed-counter');
  });

  it('count the datagrams and packets of workers and of the core', async () => {
    const workers = withWorkers({ datagramsReceived: 100, packetsSent: 40, noPeerForDestination: 2, tunWrites: 7 });
    expect(trafficCounters({}, await socket(), workers)).toMatchObject({
      'udp-datagrams-received': 100,
      'udp-datagrams-sent': 41,
      'tun-packets-read': 42,
      'tun-packets-written': 7,
      'tun-write-errors': 0,
    });
  });

  it('are those of socket and device alone without workers', async () => {
    const tun = new MemoryTun();
    tun.onPacket(() => {});
    tun.inject(Uint8Array.of(0x45));
    expect(trafficCounters({ 'unknown-index': 5 }, await socket(), portableDataPlane(tun))).toMatchObject({
      'unknown-index': 5,
      'udp-datagrams-sent': 1,
      'tun-packets-read': 1,
    });
  });
});

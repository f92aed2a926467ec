// Over real sockets on the loopback interface, against the relay's real core.

import type { Netcheck, NetcheckRelay, Relay } from '@shadownet/contracts';
import { parseIpAddress } from '@shadownet/primitives';
import { openPortableUdp } from '@shadownet/udp';
import { afterEach, describe, expect, it } from 'vitest';
import { RelayDirectory } from '../relays/relay-directory.js';
import { LoopbackRelay } from '../testing/loopback-relay.js';
import { measureRelays, nearestRelay } from './relay-latencies.js';
import { predictRelayed } from './relayed-prediction.js';

const relay = (id: string, udp: number | null, websocket: number | null): NetcheckRelay => ({
  id,
  udp: [{ endpoint: '203.0.113.1:3478', rtt_ms: udp }],
  websocket: { url: 'wss://203.0.113.1/relay/v1', rtt_ms: websocket },
});

describe('the relays', () => {
  const relays: LoopbackRelay[] = [];
  afterEach(async () => {
    for (const one of relays.splice(0)) await one.close();
  });

  async function start(): Promise<LoopbackRelay> {
    const started = await LoopbackRelay.start();
    relays.push(started);
    return started;
  }

  const measure = async (...announced: Relay[]) =>
    measureRelays(await new RelayDirectory(new URL('http://127.0.0.1:1'), [4, 6]).describe(announced));

  it('are measured by UDP and by WebSocket', async () => {
    const [near, far] = [await start(), await start()];
    const [byUdp, byStream] = await measure(near.describe('near', 'udp'), far.describe('far', 'stream'));
    expect(byUdp).toMatchObject({ id: 'near', udp: [{ rtt_ms: expect.any(Number) }], websocket: null });
    expect(byStream).toMatchObject({ id: 'far', udp: [], websocket: { rtt_ms: expect.any(Number) } });
    expect(nearestRelay([byUdp!, byStream!])).toBe('near');
  });

  it('that do not answer have no latency, whether nobody is there or somebody says something else', async () => {
    const nonsense = await openPortableUdp({ address: parseIpAddress('127.0.0.1')! });
    nonsense.onDatagram((datagram, from) => nonsense.send(datagram.fill(0xd1, 0, 1), from));
    const closed = await start();
    const gone = closed.describe('gone', 'stream');
    const strange = { ...closed.describe('strange', 'udp'), udp_port: nonsense.port };
    await closed.close();
    const found = await measure(gone, strange);
    await nonsense.close();
    expect(found).toMatchObject([{ websocket: { rtt_ms: null } }, { udp: [{ rtt_ms: null }] }]);
    expect(nearestRelay(found)).toBeNull();
  });

  it('are nearest by UDP, if one answers so', () => {
    expect(nearestRelay([relay('a', null, 1), relay('b', 20, 2), relay('c', 10, 30)])).toBe('c');
    expect(nearestRelay([relay('a', null, 3), relay('b', null, 2)])).toBe('b');
    expect(nearestRelay([])).toBeNull();
  });

  it('tell how far two hosts are apart: there by the home of one, back by that of the other', () => {
    const host = (...measured: NetcheckRelay[]) =>
      ({ relays: measured, nearest_relay: nearestRelay(measured) }) as Netcheck;
    const a = host(relay('eu', 10, null), relay('us', 90, null));
    const b = host(relay('eu', 100, null), relay('us', 20, null));
    expect(predictRelayed(a, b)).toEqual({ relays: ['eu', 'us'], relayed_rtt_ms: (90 + 20 + 100 + 10) / 2 });
    expect(predictRelayed(a, a)).toEqual({ relays: ['eu', 'eu'], relayed_rtt_ms: 20 });
    expect(predictRelayed(a, host(relay('eu', null, null)))).toEqual({ relays: ['eu', null], relayed_rtt_ms: null });
    expect(predictRelayed(a, host())).toBeUndefined();
  });
});

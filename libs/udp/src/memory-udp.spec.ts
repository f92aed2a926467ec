import { endpoint, parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';

import { MemoryUdpNetwork } from './memory-udp.js';
import { describeUdpSocket } from './udp-socket.contract.js';

const A4 = parseIpAddress('192.0.2.1')!;
const A6 = parseIpAddress('2001:db8::1')!;
const B4 = parseIpAddress('192.0.2.2')!;

describe('MemoryUdpNetwork with both families', () => {
  describeUdpSocket(() => {
    const network = new MemoryUdpNetwork();
    return { addresses: [A4, A6], open: (port = 0) => network.open([A4, A6], { port }) };
  });

  it('lets two hosts have the same port, and delivers to the one that is meant', async () => {
    const network = new MemoryUdpNetwork();
    const a = await network.open([A4], { port: 1000 });
    const b = await network.open([B4], { port: 1000 });
    const arrived = new Promise((resolve) => b.onDatagram((bytes, from) => resolve({ bytes, from })));
    a.send(Uint8Array.of(5), endpoint(B4, 1000));
    expect(await arrived).toEqual({ bytes: Uint8Array.of(5), from: endpoint(A4, 1000) });
    expect(a.counters.datagramsReceived).toBe(0);
  });
});

describe('MemoryUdpNetwork with IPv4 alone', () => {
  describeUdpSocket(() => {
    const network = new MemoryUdpNetwork();
    return { addresses: [A4], open: (port = 0) => network.open([A4], { port }) };
  });
});

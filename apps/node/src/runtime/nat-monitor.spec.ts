import type { NatReport } from '@shadownet/paths';
import { endpoint, type Instant, instant, parseIpAddress } from '@shadownet/primitives';
import { BindingServer } from '@shadownet/stun';
import { openPortableUdp, type UdpSocket } from '@shadownet/udp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monotonicNow } from './clock.js';
import { NatMonitor } from './nat-monitor.js';

const LOOPBACK = parseIpAddress('127.0.0.1')!;

describe('NatMonitor', () => {
  let server: UdpSocket;
  let reports: NatReport[];
  let now: Instant;
  let monitor: NatMonitor;
  beforeEach(async () => {
    server = await openPortableUdp({ address: LOOPBACK });
    const stun = new BindingServer({ maxPerSourcePerSecond: 1000 });
    server.onDatagram((datagram, from) => {
      const answer = stun.answer(datagram, from, monotonicNow());
      if (answer) server.send(answer, from);
    });
    reports = [];
    now = instant(0);
    monitor = new NatMonitor({ now: () => now, onReport: (report) => reports.push(report) });
  });
  afterEach(async () => {
    await monitor.close();
    await server.close();
  });

  it('reports what it measured', async () => {
    monitor.setServers({ endpoints: [endpoint(LOOPBACK, server.port)], changesPort: false });
    monitor.measure();
    await expect.poll(() => reports, { timeout: 5000 }).toMatchObject([{ kind: 'no-nat', filtering: 'not-tested' }]);
    expect(monitor.report).toBe(reports[0]);
  });

  it('measures once a minute at most, however often the network changes', async () => {
    monitor.setServers({ endpoints: [endpoint(LOOPBACK, server.port)], changesPort: false });
    for (let i = 0; i < 10; i++) monitor.measure();
    await expect.poll(() => reports.length, { timeout: 5000 }).toBe(1);
    for (let i = 0; i < 10; i++) monitor.measure();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(reports).toHaveLength(1);
    now = instant(60_000);
    monitor.measure();
    await expect.poll(() => reports.length, { timeout: 5000 }).toBe(2);
  });

  it('measures nothing without a server, and nothing after it was closed', async () => {
    monitor.measure();
    await monitor.close();
    monitor.setServers({ endpoints: [endpoint(LOOPBACK, server.port)], changesPort: false });
    monitor.measure();
    expect(server.counters.datagramsReceived).toBe(0);
    expect(reports).toEqual([]);
  });
});

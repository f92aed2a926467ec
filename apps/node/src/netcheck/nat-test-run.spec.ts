// The tests over real sockets on the loopback device, against the real STUN server's core: no NAT is found where there is none.

import { classifyNat } from '@shadownet/paths';
import { type Endpoint, endpoint, parseIpAddress } from '@shadownet/primitives';
import { BindingServer, type ServerSocket } from '@shadownet/stun';
import { openPortableUdp, type UdpSocket } from '@shadownet/udp';
import { afterEach, describe, expect, it } from 'vitest';
import { monotonicNow } from '../runtime/clock.js';
import { runNatTests } from './nat-test-run.js';

const address = (text: string) => parseIpAddress(text)!;

describe('NAT tests over real sockets', () => {
  const sockets: UdpSocket[] = [];
  afterEach(async () => {
    await Promise.all(sockets.splice(0).map((socket) => socket.close()));
  });

  /** Two ports at each of these addresses. */
  async function serve(...hosts: string[]): Promise<Endpoint[]> {
    const described: ServerSocket[] = [];
    let ports = [0, 0];
    for (const [i, host] of hosts.entries()) {
      const opened = [];
      for (const port of ports) opened.push(await openPortableUdp({ port, address: address(host) }));
      ports = opened.map((socket) => socket.port);
      sockets.push(...opened);
      for (const port of ports) {
        described.push({ host: i === 0 ? 'primary' : 'alternate', port, endpoint: endpoint(address(host), port) });
      }
    }
    const server = new BindingServer({ maxPerSourcePerSecond: 1000, sockets: described });
    const out = { datagram: (bytes: Uint8Array, to: Endpoint, via: number) => sockets[via]?.send(bytes, to) };
    for (const [i, socket] of sockets.entries()) {
      socket.onDatagram((datagram, from) => server.handleDatagram(datagram, from, i, monotonicNow(), out));
    }
    return described.slice(0, 2).map((socket) => socket.endpoint!);
  }

  it('find an open host on IPv4', async () => {
    const servers = (await serve('127.0.0.1', '127.0.0.2')).map((one) => ({ endpoint: one, changesPort: true }));
    const samples = await runNatTests({ family: 4, servers, lifetime: undefined });
    expect(classifyNat(samples, [address('127.0.0.1')])).toMatchObject({
      kind: 'no-nat',
      filtering: { dependence: 'endpoint-independent', addressDependence: 'tested' },
    });
    expect(samples).toContainEqual({ kind: 'hairpin', result: 'received' });
  });

  it('find an open host on IPv6, where the system has it', async ({ skip }) => {
    const reached = await serve('::1').catch(() => undefined);
    if (!reached) return skip('this system has no IPv6');
    const servers = reached.map((one) => ({ endpoint: one, changesPort: true }));
    const samples = await runNatTests({ family: 6, servers, lifetime: undefined });
    expect(classifyNat(samples, [address('::1')])).toMatchObject({
      kind: 'no-nat',
      filtering: { dependence: 'endpoint-independent', addressDependence: 'not-tested' },
    });
  });

  it('end when they are told to, with their sockets closed', async () => {
    const stop = new AbortController();
    const nobody = await openPortableUdp({ address: address('127.0.0.1') });
    const servers = [{ endpoint: endpoint(address('127.0.0.1'), nobody.port), changesPort: true }];
    const run = runNatTests({ family: 4, servers, lifetime: undefined, signal: stop.signal });
    nobody.onDatagram(() => stop.abort());
    expect(await run).toEqual([]);
    await nobody.close();
  });
});

import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ed25519Signer, generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { endpoint, parseIpAddress, publicKeyFromBytes, publicKeysEqual } from '@shadownet/primitives';
import { issueTicket, type RelayDescription } from '@shadownet/relay';
import { openPortableUdp, type UdpSocket } from '@shadownet/udp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { bundleRelayWorker } from './bundled-relay.contract.js';
import { ClientShell } from './client-shell.contract.js';
import { RelayHost, type RelayHostOptions } from './relay-host.js';
import { RELAY_PATH, RelayWebSockets } from './relay-web-sockets.js';

const LOOPBACK = '127.0.0.1';
let worker: ReturnType<typeof bundleRelayWorker>;
const cleanUps: (() => unknown)[] = [];

beforeAll(() => {
  worker = bundleRelayWorker();
});
afterAll(() => worker.remove());
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe.each(['best', 'portable'] as const)('a relay with the %s UDP socket', (kind) => {
  it('forwards between its clients, whether they come by UDP or by WebSocket', async () => {
    const relay = await startRelay({ udp: { address: LOOPBACK, port: 0, kind } });
    const [a, b, c] = [await member(relay), await member(relay), await member(relay)];
    a.use(relay.description());
    b.use(relay.description());
    c.use(relay.description({ udp: [] }));
    const clients = [a, b, c];
    const received = clients.map(() => new Set<string>());
    clients.forEach((client, i) => {
      client.onRelayed = (bytes, peer) => {
        const from = clients.findIndex(({ publicKey }) => publicKeysEqual(publicKey, peer));
        received[i]!.add(`${from}:${bytes[20]}`);
      };
    });
    await expect
      .poll(
        () => {
          for (const from of clients) {
            for (const to of clients) if (from !== to) from.send('relay', to.publicKey, data(100, 7));
          }
          return received.map((got) => [...got].sort());
        },
        { timeout: 10_000 },
      )
      .toEqual([
        ['1:7', '2:7'],
        ['0:7', '2:7'],
        ['0:7', '1:7'],
      ]);
    expect(c.client.status()[0]?.transport).toBe('stream');
    expect(await relay.host.counters()).toMatchObject({ clients: 3, streams: 1, core: { confirmed: 3 } });
  });

  it('tells clients behind one address apart by every bit of their ports', async () => {
    const relay = await startRelay({ udp: { address: LOOPBACK, port: 0, kind } });
    for (const client of await clientsAtLikePorts()) {
      relay.host.admit([client.keyText]);
      client.use(relay.description());
      await expect.poll(() => client.client.home, { timeout: 5000 }).toBe('relay');
    }
    expect(await relay.host.counters()).toMatchObject({ clients: 2, streams: 0 });
  });

  it('forwards bursts whole and in order', async () => {
    const relay = await startRelay({ udp: { address: LOOPBACK, port: 0, kind } });
    const [a, b] = await connectedPair(relay);
    const marks: number[] = [];
    b.onRelayed = (bytes) => void (bytes.length > 64 && marks.push(bytes[20]! * 256 + bytes[21]!));
    for (let burst = 0; burst < 10; burst++) {
      const before = marks.length;
      for (let i = 0; i < 50; i++) a.send('relay', b.publicKey, data(i % 25 === 24 ? 200 : 1300, burst, i));
      await expect.poll(() => marks.length).toBe(before + 50);
    }
    expect(marks).toEqual(Array.from({ length: 500 }, (_, i) => Math.floor(i / 50) * 256 + (i % 50)));
  });
});

describe('a relay', () => {
  it('admits by ticket, and nobody without', async () => {
    const signer = new Ed25519Signer(Uint8Array.from(randomBytes(32)));
    const relay = await startRelay({ ticketKeys: [signer.publicKey] });
    const [a, b] = [await ClientShell.open(), await ClientShell.open()];
    cleanUps.push(
      () => a.close(),
      () => b.close(),
    );
    a.use(relay.description({ ticket: issueTicket(signer, a.publicKey, Math.floor(Date.now() / 1000) + 60) }));
    b.use(relay.description());
    await expect.poll(() => a.client.status()[0]?.state).toBe('up');
    await expect.poll(() => b.client.status()[0]?.lastFailure).toBe('ticket-missing');
  });

  it('ends the session of a key that is revoked at once', async () => {
    const relay = await startRelay();
    const [a] = await connectedPair(relay);
    relay.host.revoke([a.keyText]);
    await expect.poll(() => a.client.status()[0]?.lastFailure, { timeout: 5000 }).toBe('unknown-key');
    expect((await relay.host.counters()).clients).toBe(1);
  });

  it('drops what a WebSocket client does not read, and serves the others meanwhile', async () => {
    const relay = await startRelay();
    const [a, b] = await connectedPair(relay);
    const slow = await member(relay);
    slow.use(relay.description({ udp: [] }));
    await expect.poll(() => slow.client.status()[0]?.state, { timeout: 5000 }).toBe('up');
    await expect.poll(() => a.send('relay', slow.publicKey, data(64))).toBe(true);
    slow.pauseStreams();
    let slowReceiver = 0;
    for (let i = 0; i < 400 && slowReceiver === 0; i++) {
      for (let j = 0; j < 100; j++) a.send('relay', slow.publicKey, data(1400));
      slowReceiver = (await relay.host.counters()).slowReceiver;
    }
    expect(slowReceiver).toBeGreaterThan(0);
    let got = 0;
    b.onRelayed = () => void got++;
    await expect.poll(() => a.send('relay', b.publicKey, data(64)) && got).toBeGreaterThan(0);
  });

  it('closes a WebSocket that sends what is no message of frames, and refuses other paths', async () => {
    const relay = await startRelay();
    for (const message of ['text', Uint8Array.of(255, 255, 1), new Uint8Array(70_000)]) {
      const socket = new WebSocket(relay.url);
      await new Promise((resolve) => socket.once('open', resolve));
      socket.send(message);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    const elsewhere = new WebSocket(relay.url.replace(RELAY_PATH, '/other'));
    expect(await new Promise((resolve) => elsewhere.once('error', resolve))).toMatchObject({
      message: expect.stringContaining('404'),
    });
    expect((await relay.host.counters()).streams).toBe(0);
  });

  it('says why it cannot start', async () => {
    const relay = await startRelay();
    const udp = { address: LOOPBACK, port: relay.host.udp!.port, kind: 'best' } as const;
    await expect(startRelay({ udp })).rejects.toMatchObject({ code: 'relay-failed' });
  });
});

interface StartedRelay {
  readonly host: RelayHost;
  readonly url: string;
  description(changes?: Partial<RelayDescription>): RelayDescription;
}

async function startRelay(options: Partial<RelayHostOptions> = {}): Promise<StartedRelay> {
  const privateKey = generatePrivateKey((length) => Uint8Array.from(randomBytes(length)));
  const publicKey = publicKeyFromBytes(nodeCrypto.privateKey(privateKey).publicKey)!;
  const host = await RelayHost.start({
    ...{ privateKey, network: 'test', ticketKeys: [], limits: {}, workerEntry: worker.entry },
    udp: { address: LOOPBACK, port: 0, kind: 'best' },
    onFailed: (error) => {
      throw error;
    },
    ...options,
  });
  cleanUps.push(() => host.close());
  const http: Server = createServer();
  await new Promise<void>((resolve) => http.listen(0, LOOPBACK, resolve));
  const sockets = new RelayWebSockets(http, host);
  cleanUps.push(() => {
    sockets.close();
    http.close();
  });
  const url = `ws://${LOOPBACK}:${(http.address() as AddressInfo).port}${RELAY_PATH}`;
  const description = (changes: Partial<RelayDescription> = {}): RelayDescription => ({
    ...{ id: 'relay', publicKey, websocketUrl: url, ticket: new Uint8Array(0) },
    udp: [endpoint(parseIpAddress(LOOPBACK)!, host.udp!.port)],
    ...changes,
  });
  return { host, url, description };
}

/** Two on ports of which the low twelve bits are the same. */
async function clientsAtLikePorts(): Promise<ClientShell[]> {
  const address = parseIpAddress(LOOPBACK)!;
  for (let port = 20_000; port < 30_000; port++) {
    const opened: UdpSocket[] = [];
    try {
      for (const each of [port, port + 4096]) opened.push(await openPortableUdp({ address, port: each }));
    } catch {
      for (const socket of opened) await socket.close();
      continue;
    }
    const clients = opened.map((socket) => new ClientShell(socket));
    cleanUps.push(...clients.map((client) => () => client.close()));
    return clients;
  }
  throw new Error('no two such ports are free');
}

async function member({ host }: StartedRelay): Promise<ClientShell> {
  const client = await ClientShell.open();
  cleanUps.push(() => client.close());
  host.admit([client.keyText]);
  return client;
}

async function connectedPair(relay: StartedRelay): Promise<[ClientShell, ClientShell]> {
  const [a, b] = [await member(relay), await member(relay)];
  for (const client of [a, b]) client.use(relay.description());
  let got = 0;
  b.onRelayed = () => void got++;
  await expect.poll(() => a.send('relay', b.publicKey, data(64)) && got, { timeout: 5000 }).toBeGreaterThan(0);
  return [a, b];
}

/** A data message of WireGuard, by its looks. */
function data(length: number, mark = 0, second = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = 4;
  bytes[20] = mark;
  bytes[21] = second;
  return bytes;
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { StreamHandler } from './relay-host.js';
import { RELAY_PATH, RelayWebSockets, type StreamHost } from './relay-web-sockets.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe('the WebSockets of a relay', () => {
  it('read no more from a client than the relay takes, and lose nothing of it', async () => {
    const { host, connect } = await start();
    const client = await connect();
    for (let i = 0; i < 200; i++) client.send(new Uint8Array(60_000).fill(i));
    await quiet(() => host.taken.length);
    expect(host.bytes).toBeLessThan(512 * 1024);
    host.isTaking = true;
    for (const [stream, bytes] of host.waiting.splice(0)) host.handlers.get(stream)!.taken(bytes);
    await expect.poll(() => host.taken.length, { timeout: 5000 }).toBe(200);
    expect(host.taken.map(([, first]) => first)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('read no more from all clients together than a few of them may send, and serve each in turn', async () => {
    const { host, connect } = await start();
    const clients = [
      await connect(),
      await connect(),
      await connect(),
      await connect(),
      await connect(),
      await connect(),
    ];
    for (const client of clients) for (let i = 0; i < 20; i++) client.send(new Uint8Array(60_000));
    await quiet(() => host.taken.length);
    expect(host.bytes).toBeLessThan(1024 * 1024);
    host.isTaking = true;
    for (const [stream, bytes] of host.waiting.splice(0)) host.handlers.get(stream)!.taken(bytes);
    await expect.poll(() => host.taken.length, { timeout: 5000 }).toBe(120);
  });

  it('that end while they are not read from leave their share to others', async () => {
    const { host, connect } = await start();
    const gone = await connect();
    const other = await connect();
    for (let i = 0; i < 40; i++) gone.send(new Uint8Array(60_000));
    for (let i = 0; i < 40; i++) other.send(new Uint8Array(60_000).fill(1));
    await quiet(() => host.taken.length);
    gone.terminate();
    host.isTaking = true;
    for (const [stream, bytes] of host.waiting.splice(0)) host.handlers.get(stream)?.taken(bytes);
    await expect.poll(() => host.taken.filter(([, first]) => first === 1).length, { timeout: 5000 }).toBe(40);
  });
});

/** A relay that takes what it is given when the test says so. */
class HoldingHost implements StreamHost {
  readonly handlers = new Map<number, StreamHandler>();
  readonly taken: (readonly [number, number])[] = [];
  readonly waiting: [number, number][] = [];
  isTaking = false;
  bytes = 0;

  openStream(_endpoint: string, handler: StreamHandler): number {
    const stream = this.handlers.size + 1;
    this.handlers.set(stream, handler);
    return stream;
  }

  takeMessage(stream: number, message: Uint8Array): void {
    this.taken.push([stream, message[0]!]);
    this.bytes += message.length;
    if (this.isTaking) setImmediate(() => this.handlers.get(stream)?.taken(message.length));
    else this.waiting.push([stream, message.length]);
  }

  sent(): void {}

  streamClosed(stream: number): void {
    this.handlers.delete(stream);
  }
}

async function start() {
  const host = new HoldingHost();
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const sockets = new RelayWebSockets(http, host);
  cleanUps.push(() => {
    sockets.close();
    http.close();
  });
  const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}${RELAY_PATH}`;
  const connect = async (): Promise<WebSocket> => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('open', resolve));
    cleanUps.push(() => socket.terminate());
    return socket;
  };
  return { host, connect };
}

/** Resolves when `value` has stopped to change for a while. */
async function quiet(value: () => number): Promise<void> {
  for (let before = -1; before !== value();) {
    before = value();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

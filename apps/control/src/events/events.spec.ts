import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeCrypto } from '@shadownet/crypto';
import { verifyEvent } from '@shadownet/contracts';
import { DataSource } from 'typeorm';
import { NodeEntity } from '../nodes/node.entity.js';
import type { TestNode } from '../testing/test-node.js';
import { TestServer } from '../testing/test-server.js';
import { MAX_WAITING_BYTES } from './event-stream.js';
import { EventStreams } from './event-streams.js';

describe('an event stream', () => {
  let server: TestServer;
  let node: TestNode;

  beforeEach(async () => {
    server = await TestServer.start();
    node = server.node();
    await node.register();
  });
  afterEach(() => server.stop());

  it('starts with the whole map, then tells every change in the order of its versions', async () => {
    const first = server.node();
    await first.register();
    const stream = await node.openStream();
    const map = await stream.next();
    expect(map).toMatchObject({ type: 'map', envelope: { sequence: 0 } });
    expect((map!.payload['peers'] as { id: string }[]).map(({ id }) => id)).toEqual([first.id]);

    await Promise.all(Array.from({ length: 10 }, () => server.node().register()));
    const version = (payload: Record<string, unknown>) => (payload['map_version'] as { sequence: number }).sequence;
    let last = version(map!.payload);
    for (let i = 0; i < 10; i++) {
      const event = await stream.next();
      expect(event).toMatchObject({ type: 'peer-changed', envelope: { sequence: i + 1 } });
      expect(version(event!.payload)).toBe(last + 1);
      last = version(event!.payload);
    }
    stream.close();
  });

  it('misses no change that happens while it opens', async () => {
    const others = Array.from({ length: 20 }, () => server.node());
    const [stream] = await Promise.all([node.openStream(), ...others.map((other) => other.register())]);
    const seen = new Set<string>();
    while (seen.size < others.length) {
      const { type, payload } = (await stream.next())!;
      if (type === 'map') for (const { id } of payload['peers'] as { id: string }[]) seen.add(id);
      else seen.add((payload['peer'] as { id: string }).id);
    }
    expect([...seen].sort()).toEqual(others.map(({ id }) => id).sort());
    stream.close();
  });

  it('does not tell a node about itself', async () => {
    const stream = await node.openStream();
    await stream.next();
    await node.heartbeat({ endpoint_port: 4242 });
    server.running.app.get(EventStreams).keepAlive();
    expect(await stream.next()).toMatchObject({ type: 'keepalive' });
    stream.close();
  });

  it('has events that verify nowhere but at their place in it', async () => {
    const stream = await node.openStream();
    const other = await server
      .node()
      .register()
      .then(() => node.sign('GET', '/events', undefined));
    const [map, change] = [(await stream.next())!.envelope, (await stream.next())!.envelope];
    // The stream's own nonce made `next` succeed; any other request's does not.
    expect(verifyEvent(nodeCrypto, node.eventKey, other.nonce, 0, map)).toBe(false);
    expect(change.sequence).toBe(1);
    stream.close();
  });

  it('fails its reader when an event is dropped, repeated, reordered or altered on the way', async () => {
    const call = node.sign('GET', '/api/v1/events', undefined);
    const envelopes = await capture(server, call.target, { ...call.headers }, 3);
    const genuine = (at: number, envelope = envelopes[at]!) =>
      verifyEvent(nodeCrypto, node.eventKey, call.nonce, at, envelope);
    expect([0, 1, 2].map((at) => genuine(at))).toEqual([true, true, true]);
    expect(genuine(0, envelopes[1])).toBe(false);
    expect(genuine(1, envelopes[0])).toBe(false);
    expect(genuine(1, { ...envelopes[2]!, sequence: 1 })).toBe(false);
    expect(genuine(1, { ...envelopes[1]!, payload: envelopes[1]!.payload.replace('true', 'false') })).toBe(false);
  });

  it('gives way to a newer one of the same node', async () => {
    const older = await node.openStream();
    await older.next();
    const newer = await node.openStream();
    await newer.next();
    expect(await older.next()).toBeUndefined();
    expect(server.running.app.get(EventStreams).size).toBe(1);
    newer.close();
  });

  it('is forgotten when its reader goes away', async () => {
    const streams = server.running.app.get(EventStreams);
    const stream = await node.openStream();
    await stream.next();
    stream.close();
    await expect.poll(() => streams.size).toBe(0);
  });

  it('is cut when its reader does not keep up, and its memory stays bounded', async () => {
    const streams = server.running.app.get(EventStreams);
    const socket = await openUnread(server, node);
    const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
    const event = { type: 'peer-removed', payload: { map_version: { epoch: 1, sequence: 1 }, id } } as const;
    let published = 0;
    while (streams.size > 0 && published < 500_000) {
      for (let i = 0; i < 1000; i++, published++) streams.publish(event);
      await new Promise(setImmediate);
    }
    expect(streams.size).toBe(0);
    // Beyond what the kernel's socket buffers took.
    expect(published * 200).toBeGreaterThan(MAX_WAITING_BYTES);
    socket.destroy();
  });

  it('leaves a slow reader the time for a map that is larger than what may wait', async () => {
    const candidates = Array.from({ length: 16 }, (_, i) => ({
      kind: 'host' as const,
      ip: `2001:db8::${i}`,
      port: 51820,
    }));
    const nodes = server.running.app.get(DataSource).getRepository(NodeEntity);
    const text = (i: number) => String(i).padStart(12, '0');
    const others = Array.from({ length: 10_000 }, (_, i) => ({
      ...{
        publicKey: text(i),
        id: text(i),
        address: 0x0a640100 + i,
        hostname: 'h',
        os: '',
        version: '',
        endpoint: null,
      },
      ...{ candidates, online: false, registeredAt: 0, lastHeartbeatAt: 0 },
    }));
    for (let i = 0; i < others.length; i += 1000) await nodes.insert(others.slice(i, i + 1000));
    const streams = server.running.app.get(EventStreams);
    const socket = await openUnread(server, node);
    streams.keepAlive();
    // A stream that is cut is gone after a turn or two of the event loop.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect(streams.size).toBe(1);
    socket.destroy();
  });

  it('ends when the server stops', async () => {
    const stream = await node.openStream();
    await stream.next();
    const startedAt = performance.now();
    const ended = stream.next();
    await server.restart();
    expect(await ended).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});

async function capture(server: TestServer, path: string, headers: Record<string, string>, count: number) {
  const controller = new AbortController();
  const response = await fetch(server.url + path, { headers, signal: controller.signal });
  let text = '';
  const envelopes = () => [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, data]) => JSON.parse(data!) as Envelope);
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (envelopes().length === count) break;
    await server.node().register();
  }
  controller.abort();
  return envelopes();
}

type Envelope = Parameters<typeof verifyEvent>[4];

/** A stream whose reader has stopped reading. */
async function openUnread(server: TestServer, node: TestNode): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const { headers } = node.sign('GET', '/events', undefined);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /events HTTP/1.1\r\nhost: ${hostname}\r\n${lines.join('')}\r\n`);
  await once(socket, 'readable');
  socket.pause();
  return socket;
}

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeCrypto } from '@shadownet/crypto';
import { formatMapVersion, type MapVersion, verifyEvent } from '@shadownet/contracts';
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

  it('starts with the whole map, then tells every change once, in the order of the versions', async () => {
    const first = server.node();
    await first.register();
    const stream = await node.openStream();
    const map = await stream.next();
    expect(map).toMatchObject({ type: 'map', envelope: { sequence: 0 } });
    expect((map!.payload['peers'] as { id: string }[]).map(({ id }) => id)).toEqual([first.id]);

    const others = Array.from({ length: 10 }, () => server.node());
    await Promise.all(others.map((other) => other.register()));
    const told: string[] = [];
    let version = map!.payload['map_version'];
    while (told.length < others.length) {
      const { type, payload } = (await stream.next())!;
      expect(type).toBe('delta');
      expect(payload['since']).toEqual(version);
      version = payload['map_version'];
      told.push(...idsOf(payload['changed']));
    }
    expect(told.sort()).toEqual(others.map(({ id }) => id).sort());
    stream.close();
  });

  it('tells what happens in a burst together, and of each node its newest state only', async () => {
    const other = server.node();
    await other.register();
    const stream = await node.openStream();
    const map = (await stream.next())!.payload['map_version'] as { sequence: number };
    const ports = Array.from({ length: 20 }, (_, at) => 1000 + at);
    await Promise.all(ports.map((endpoint_port) => other.heartbeat({ endpoint_port })));
    let events = 0;
    let last = map;
    while (last.sequence < map.sequence + ports.length) {
      const { payload } = await stream.nextOf('delta');
      expect(idsOf(payload['changed'])).toEqual([other.id]);
      last = payload['map_version'] as { sequence: number };
      events++;
    }
    expect(events).toBeLessThan(ports.length);
    stream.close();
  });

  it('misses no change that happens while it opens', async () => {
    const others = Array.from({ length: 20 }, () => server.node());
    const [stream] = await Promise.all([node.openStream(), ...others.map((other) => other.register())]);
    const seen = new Set<string>();
    while (seen.size < others.length) {
      const { payload } = (await stream.next())!;
      for (const id of idsOf(payload['peers'] ?? payload['changed'])) seen.add(id);
    }
    expect([...seen].sort()).toEqual(others.map(({ id }) => id).sort());
    stream.close();
  });

  it('resumes with what changed since the version that the node has, also after restarts', async () => {
    const [stays, moves, leaves] = [server.node(), server.node(), server.node(Buffer.alloc(32, 7))];
    for (const each of [stays, moves, leaves]) await each.register();
    const stream = await node.openStream();
    const version = versionText((await stream.next())!.payload['map_version']);
    stream.close();

    await moves.heartbeat({ endpoint_port: 9 });
    const renamed = server.node(Buffer.alloc(32, 7));
    await renamed.register();
    for (const restarts of [0, 1, 2]) {
      if (restarts > 0) await server.restart();
      node.url = server.url;
      const resumed = await node.openStream(version);
      const { type, payload } = (await resumed.next())!;
      expect(type).toBe('delta');
      expect(versionText(payload['since'])).toBe(version);
      expect(idsOf(payload['changed']).sort()).toEqual([moves.id, renamed.id].sort());
      expect(payload['removed']).toEqual([leaves.id]);
      resumed.close();
    }
  });

  it('starts with the whole map for a version that a restore has taken back, or that never was', async () => {
    const stream = await node.openStream();
    const before = (await stream.next())!.payload['map_version'] as { epoch: number; sequence: number };
    stream.close();
    const backup = readFileSync(join(server.directory, 'control.sqlite'));
    const wal = readFileSync(join(server.directory, 'control.sqlite-wal'));
    await server.node().register();
    const lost = (await node.call('GET', '/peers')).json['map_version'] as typeof before;
    await server.restart({}, () => {
      writeFileSync(join(server.directory, 'control.sqlite'), backup);
      writeFileSync(join(server.directory, 'control.sqlite-wal'), wal);
    });
    node.url = server.url;
    const firstOf = async (version: typeof before) => {
      const resumed = await node.openStream(versionText(version));
      const { type, payload } = (await resumed.next())!;
      resumed.close();
      return { type, epoch: (payload['map_version'] as typeof before).epoch };
    };
    expect(lost.sequence).toBeGreaterThan(before.sequence);
    expect(await firstOf(before)).toMatchObject({ type: 'delta' });
    const again = await firstOf(lost);
    expect(again.type).toBe('map');
    expect(again.epoch).toBeGreaterThan(lost.epoch);
    // As many changes as the lost ones make it no less lost.
    for (let count = 0; count < 3; count++) await server.node().register();
    expect(await firstOf(lost)).toMatchObject({ type: 'map' });
    expect(await firstOf({ ...before, epoch: before.epoch - 1 })).toMatchObject({ type: 'map' });
    expect(await firstOf({ ...lost, sequence: 999 })).toMatchObject({ type: 'map' });
  });

  it('does not tell a node about itself', async () => {
    const stream = await node.openStream();
    const { sequence } = (await stream.next())!.payload['map_version'] as { sequence: number };
    await node.heartbeat({ endpoint_port: 4242 });
    const keepAlive = setInterval(() => everyKeepalive(server), 20);
    // It has the newer version without an event about it.
    let last = sequence;
    while (last === sequence) {
      const { type, payload } = (await stream.next())!;
      expect(type).toBe('keepalive');
      last = (payload['map_version'] as { sequence: number }).sequence;
    }
    clearInterval(keepAlive);
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
    let published = 0;
    while (streams.size > 0 && published < 500_000) {
      for (let i = 0; i < 1000; i++, published++) for (const stream of streams.all()) stream.sendKeepalive();
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
    for (let i = 0; i < others.length; i += 500) await nodes.insert(others.slice(i, i + 500));
    await server.restart();
    node.url = server.url;
    const streams = server.running.app.get(EventStreams);
    const socket = await openUnread(server, node);
    everyKeepalive(server);
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

const idsOf = (peers: unknown) => (peers as { id: string }[]).map(({ id }) => id);

function versionText(version: unknown): string {
  return formatMapVersion(version as MapVersion);
}

function everyKeepalive(server: TestServer): void {
  for (const stream of server.running.app.get(EventStreams).all()) stream.sendKeepalive();
}

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

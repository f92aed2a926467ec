import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeListSchema, nodeMessageSchema, type Relay, registerResponseSchema } from '@shadownet/contracts';
import { Ed25519Verifier, generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import {
  decodeBase64,
  encodePublicKey,
  endpoint,
  instant,
  parseIpAddress,
  parsePublicKey,
  publicKeyFromBytes,
} from '@shadownet/primitives';
import { openRevocation, type RelayDescription, TicketAdmission } from '@shadownet/relay';
import { bundleRelayWorker, ClientShell } from '@shadownet/relayhost/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ControlOptions } from '../config.js';
import { TestServer } from '../testing/test-server.js';
import { RelayService } from './relay.service.js';

let worker: ReturnType<typeof bundleRelayWorker>;
const cleanUps: (() => unknown)[] = [];

beforeAll(() => {
  worker = bundleRelayWorker();
});
afterAll(() => worker.remove());
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe('the relay of the control server', () => {
  it('carries from one registered node to another, by UDP and by WebSocket on the API’s port', async () => {
    const server = await start();
    const [a, b] = [await registered(server), await registered(server)];
    a.use(description(server, a.relays));
    b.use({ ...description(server, b.relays), udp: [] });
    let received = 0;
    b.client.onRelayed = () => void received++;
    await expect
      .poll(() => a.client.send('control', b.client.publicKey, data()) && received, { timeout: 10_000 })
      .toBeGreaterThan(0);
    expect(b.client.client.status()[0]?.transport).toBe('stream');
    expect(await server.running.app.get(RelayService).counters()).toMatchObject({ clients: 2, streams: 1 });
  });

  it('knows the nodes still after a restart, and refuses who is not registered', async () => {
    const server = await start();
    const node = await registered(server);
    await server.restart();
    const { port } = server.running.app.get(RelayService);
    const at = { ...description(server, node.relays), udp: [endpoint(parseIpAddress('127.0.0.1')!, port!)] };
    node.use(at);
    await expect.poll(() => node.client.client.status()[0]?.state).toBe('up');
    const stranger = await ClientShell.open();
    cleanUps.push(() => stranger.close());
    stranger.use(at);
    await expect.poll(() => stranger.client.status()[0]?.lastFailure).toBe('unknown-key');
  });

  it('ends the session of a node that is revoked', async () => {
    const server = await start();
    const node = await registered(server);
    node.use(description(server, node.relays));
    await expect.poll(() => node.client.client.status()[0]?.state).toBe('up');
    server.running.app.get(RelayService).revoke(encodePublicKey(node.client.publicKey));
    await expect.poll(() => node.client.client.status()[0]?.state).not.toBe('up');
    await expect.poll(() => node.client.client.status()[0]?.lastFailure, { timeout: 10_000 }).toBe('unknown-key');
  });

  it.each(['PATCH', 'DELETE'] as const)('ends the session of a node that an admin shuts out by %s', async (method) => {
    const server = await start();
    const node = await registered(server);
    const at = description(server, node.relays);
    node.use(at);
    await expect.poll(() => node.client.client.status()[0]?.state).toBe('up');
    const { nodes } = await server.admin.call(nodeListSchema, 'GET', '/nodes');
    const route = `/nodes/${nodes[0]!.id}`;
    await server.admin.call(
      nodeMessageSchema,
      method,
      route,
      method === 'PATCH' ? { standing: 'disabled' } : undefined,
    );
    await expect.poll(() => node.client.client.status()[0]?.lastFailure, { timeout: 10_000 }).toBe('unknown-key');
    if (method === 'DELETE') return;
    await server.admin.call(nodeMessageSchema, method, route, { standing: 'member' });
    await expect.poll(() => node.client.client.status()[0]?.state, { timeout: 30_000 }).toBe('up');
  });

  it('can be left out', async () => {
    const server = await start({ relay: false });
    const { json } = await server.node().register();
    expect(json).toMatchObject({ relays: [] });
    expect(server.running.relayPort).toBeNull();
  });
});

describe('the home relay of a node', () => {
  it('is told to the others, from registration and heartbeats', async () => {
    const server = await start({ relay: false });
    const [node, other] = [server.node(), server.node()];
    await node.register({ home_relay: 'control' });
    await other.register();
    const homeOf = async () =>
      ((await other.call('GET', '/api/v1/peers')).json as { peers: { home_relay: unknown }[] }).peers[0]?.home_relay;
    expect(await homeOf()).toBe('control');
    await node.heartbeat({ home_relay: 'eu-1' });
    expect(await homeOf()).toBe('eu-1');
    await node.heartbeat();
    expect(await homeOf()).toBeNull();
  });
});

describe('relays that stand alone', () => {
  it('are told to nodes with a ticket of their own, which such a relay accepts', async () => {
    const eu = {
      id: 'eu-1',
      public_key: encodePublicKey(newKey()),
      host: 'relay.example',
      udp_port: 3480,
      websocket_url: null,
    };
    const server = await start({ relays: relaysFile([eu]), relay: false });
    const node = await registered(server);
    expect(node.relays).toEqual([{ ...eu, ticket: expect.any(String) }]);
    const publicKey = decodeBase64(server.running.app.get(RelayService).ticketKey)!;
    const admission = new TicketAdmission(
      [{ publicKey, verifier: new Ed25519Verifier(publicKey) }],
      () => Date.now() / 1000,
    );
    const ticket = decodeBase64(node.relays[0]!.ticket!)!;
    expect(admission.admit(node.client.publicKey, ticket, instant(0))).toMatchObject({ ok: true });
    expect(admission.admit(newKey(), ticket, instant(0))).toMatchObject({ ok: false });
  });

  it('are told of a removed node at once, and again until they have heard of it; later tickets count', async () => {
    const bodies: Uint8Array[] = [];
    const relay = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        expect([request.method, request.url]).toEqual(['POST', '/relay/v1/revocations']);
        response.writeHead(bodies.push(Uint8Array.from(Buffer.concat(parts))) === 1 ? 503 : 200).end();
      });
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    cleanUps.push(() => relay.close());
    const { port } = relay.address() as AddressInfo;
    const eu = { id: 'eu-1', public_key: encodePublicKey(newKey()), host: '127.0.0.1', udp_port: 3480 };
    const relays = relaysFile([{ ...eu, websocket_url: `ws://127.0.0.1:${port}/relay/v1` }]);
    const server = await start({ relays, relay: false });
    const node = await registered(server);
    const service = server.running.app.get(RelayService);
    const publicKey = decodeBase64(service.ticketKey)!;
    const signers = [{ publicKey, verifier: new Ed25519Verifier(publicKey) }];
    const admission = new TicketAdmission(signers, () => Date.now() / 1000);
    const { publicKey: key } = node.client;
    const admit = (ticket: string | null) => admission.admit(key, decodeBase64(ticket!)!, instant(0));
    expect(admit(node.relays[0]!.ticket).ok).toBe(true);

    service.revoke(encodePublicKey(key));
    await expect.poll(() => bodies.length, { timeout: 15_000 }).toBe(2);
    expect(bodies[1]).toEqual(bodies[0]);
    expect(admission.revoke(openRevocation(bodies[1]!, signers)!)).toBe(true);
    expect(admission.revoke(openRevocation(bodies[1]!, signers)!)).toBe(false);
    expect(admit(node.relays[0]!.ticket)).toEqual({ ok: false, reason: 'revoked' });
    expect(admit(service.relaysFor(encodePublicKey(key))[0]!.ticket).ok).toBe(true);
  });

  it.each([
    ['[{"id":"eu"}]', /public_key/],
    ['not json', /relays/],
    [
      JSON.stringify([
        { id: 'control', public_key: encodePublicKey(newKey()), host: null, udp_port: null, websocket_url: null },
      ]),
      /"control"/,
    ],
  ])('are refused with the reason when their file is %j', async (content, reason) => {
    await expect(start({ relays: relaysFile(content) })).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(reason),
    });
  });
});

async function start(options: ControlOptions = {}): Promise<TestServer> {
  const server = await TestServer.start({ relay: true, relayPort: '0', ...options }, { relayWorker: worker.entry });
  cleanUps.push(() => server.stop());
  return server;
}

interface RegisteredNode {
  readonly client: ClientShell;
  readonly relays: readonly Relay[];
  use(relay: RelayDescription): void;
}

async function registered(server: TestServer): Promise<RegisteredNode> {
  const secret = generatePrivateKey((length) => Uint8Array.from(randomBytes(length)));
  const { json } = await server.node(Uint8Array.from(secret)).register();
  const client = await ClientShell.open(secret);
  cleanUps.push(() => client.close());
  return { client, relays: registerResponseSchema.parse(json).relays, use: (relay) => client.use(relay) };
}

/** As a node reads it: what is null is where the API is. */
function description(server: TestServer, relays: readonly Relay[]): RelayDescription {
  const [relay] = relays;
  return {
    id: relay!.id,
    publicKey: parsePublicKey(relay!.public_key)!,
    udp: [endpoint(parseIpAddress('127.0.0.1')!, relay!.udp_port!)],
    websocketUrl: `${server.url.replace('http', 'ws')}${relay!.websocket_url}`,
    ticket: new Uint8Array(0),
  };
}

function relaysFile(content: unknown): string {
  const path = join(tmpdir(), `shadownet-relays-${process.pid}-${randomBytes(4).toString('hex')}.json`);
  cleanUps.push(() => rmSync(path));
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function newKey() {
  const secret = generatePrivateKey((length) => Uint8Array.from(randomBytes(length)));
  return publicKeyFromBytes(nodeCrypto.privateKey(secret).publicKey)!;
}

function data(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes[0] = 4;
  return bytes;
}

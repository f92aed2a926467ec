// A control server for tests: real HTTP and real signatures on loopback, with answers that a test writes, and ways to go wrong.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type MapVersion,
  type NetworkMap,
  type ProblemCode,
  readRequestSignature,
  type Relay,
  signEvent,
  signResponse,
  verifyRequest,
} from '@shadownet/contracts';
import { deriveLabelledKey, generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { encodePublicKey, parsePublicKey, type PublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import { secureRandom } from '../runtime/clock.js';

/** What happens to an answer on its way. */
export type Tampering = 'none' | 'unsigned' | 'altered-body' | 'altered-status' | 'reflected-signature';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  /** Without its question mark. */
  readonly query: string;
  readonly lastEventId: string | undefined;
  readonly body: unknown;
}

export interface OpenStream {
  /** Sends the next event, signed for its place in the stream. */
  send(type: string, payload: unknown): void;
  sendRaw(text: string): void;
  /** Signs for another place than the next one. */
  sendOutOfSequence(type: string, payload: unknown): void;
  close(): void;
}

interface Keys {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  readonly event: Uint8Array;
}

const SERVER_TIME = '2026-01-01T00:00:00.000Z';
const NETWORK = '10.100.0.0/16';

export class FakeControl {
  readonly requests: SeenRequest[] = [];
  readonly streams: OpenStream[] = [];
  tampering: Tampering = 'none';
  heartbeatIntervalMs = 30_000;
  relays: readonly Relay[] = [];
  mapVersion: MapVersion = { epoch: 1, sequence: 1 };
  map: NetworkMap = { map_version: this.mapVersion, network_cidr: NETWORK, peers: [] };
  /** Answered instead, once each, by path. */
  readonly refusals = new Map<string, { status: number; code: ProblemCode; server_time?: string }>();
  readonly #privateKey = nodeCrypto.privateKey(generatePrivateKey(secureRandom));
  readonly publicKey: PublicKey = publicKeyFromBytes(this.#privateKey.publicKey)!;
  #server: Server | undefined;
  #port = 0;

  /** Listens on loopback, on the same port again after `stop`. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** As kill -9 does: connections break. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#port}`);
  }

  seen(path: string): SeenRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const [path = '', query = ''] = (request.url ?? '').split('?');
    if (path.endsWith('/api/v1/server')) return this.#sendPlain(response, 200, this.#serverInfo());

    const headers = request.headers as Record<string, string>;
    const claimed = readRequestSignature(headers);
    if (!claimed.ok) return this.#sendPlain(response, 401, problem(401, 'signature-missing'));
    const keys = this.#keysFor(parsePublicKey(claimed.parameters.keyId)!);
    const signed = { method: request.method!, path, query: `?${query}`, body };
    if (!verifyRequest(nodeCrypto, keys.request, signed, headers).ok) {
      return this.#sendPlain(response, 401, problem(401, 'signature-invalid'));
    }
    const name = path.replace('/api/v1', '');
    this.requests.push({
      method: request.method!,
      path: name,
      query,
      lastEventId: headers['last-event-id'],
      body: body.length > 0 ? JSON.parse(text(body)) : undefined,
    });

    const refusal = this.refusals.get(name);
    if (refusal) {
      this.refusals.delete(name);
      const { status, code, ...more } = refusal;
      return this.#sendSigned(response, status, { ...problem(status, code), ...more }, keys, headers.signature!);
    }
    if (name === '/events') return this.#openStream(response, keys, claimed.parameters.nonce);
    this.#sendSigned(response, 200, this.#answer(name, this.requests.at(-1)!), keys, headers.signature!);
  }

  #answer(path: string, request: SeenRequest): unknown {
    switch (path) {
      case '/register':
        return {
          success: true,
          peer_id: (request.body as { id: string }).id,
          assigned_ip: '10.100.0.7',
          network_cidr: NETWORK,
          server_public_key: encodePublicKey(this.publicKey),
          stun_host: null,
          stun_ports: [],
          heartbeat_interval_ms: this.heartbeatIntervalMs,
          poll_interval_ms: 60_000,
          relays: this.relays,
          map_version: this.mapVersion,
          server_time: SERVER_TIME,
        };
      case '/heartbeat':
        return {
          success: true,
          heartbeat_interval_ms: this.heartbeatIntervalMs,
          map_version: this.mapVersion,
          relays: this.relays,
          server_time: SERVER_TIME,
        };
      case '/calls':
        return { success: true, delivered: true };
      case '/peers':
        return this.map;
      default:
        return { success: true };
    }
  }

  #serverInfo(): unknown {
    return {
      public_key: encodePublicKey(this.publicKey),
      version: '0.1.0',
      network_cidr: NETWORK,
      stun_host: null,
      stun_ports: [],
      server_time: SERVER_TIME,
    };
  }

  #keysFor(node: PublicKey): Keys {
    const secret = this.#privateKey.sharedSecret(node)!;
    return {
      request: deriveLabelledKey(nodeCrypto, secret, 'shadownet api request v1', node, this.publicKey),
      response: deriveLabelledKey(nodeCrypto, secret, 'shadownet api response v1', this.publicKey, node),
      event: deriveLabelledKey(nodeCrypto, secret, 'shadownet stream event v1', this.publicKey, node),
    };
  }

  #sendPlain(response: ServerResponse, status: number, message: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(message));
  }

  #sendSigned(response: ServerResponse, status: number, message: unknown, keys: Keys, requestSignature: string): void {
    if (this.tampering === 'unsigned') return this.#sendPlain(response, status, message);
    const body = Buffer.from(JSON.stringify(message));
    const key = this.tampering === 'reflected-signature' ? keys.request : keys.response;
    const parameters = { created: 1, keyId: encodePublicKey(this.publicKey), nonce: 'AAAAAAAAAAAAAAAAAAAAAA==' };
    const headers = signResponse(nodeCrypto, key, { status, body, requestSignature }, parameters);
    const sentStatus = this.tampering === 'altered-status' ? 201 : status;
    const sentBody = this.tampering === 'altered-body' ? Buffer.from(text(body).replace('10.100', '10.200')) : body;
    response.writeHead(sentStatus, { 'content-type': 'application/json', ...headers }).end(sentBody);
  }

  #openStream(response: ServerResponse, keys: Keys, nonce: string): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    let sequence = 0;
    const write = (at: number, type: string, payload: unknown): void => {
      const envelope = signEvent(nodeCrypto, keys.event, nonce, {
        sequence: at,
        type,
        payload: JSON.stringify(payload),
      });
      response.write(`id: ${at}\ndata: ${JSON.stringify(envelope)}\n\n`);
    };
    this.streams.push({
      send: (type, payload) => write(sequence++, type, payload),
      sendRaw: (raw) => void response.write(raw),
      sendOutOfSequence: (type, payload) => write(sequence + 1, type, payload),
      close: () => void response.end(),
    });
  }
}

function problem(
  status: number,
  code: ProblemCode,
): { type: string; title: string; status: number; code: ProblemCode } {
  return { type: 'about:blank', title: code, status, code };
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

// One node of the fleet: it signs, sends and listens as shadownet-node does, and verifies every delta that it is sent. Each has
// a loopback address of its own, because the server limits requests by source.
import { randomBytes, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import {
  formatMapVersion,
  type MapVersion,
  signRequest,
  streamEnvelopeSchema,
  verifyEvent,
} from '@shadownet/contracts';
import { deriveLabelledKey, generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { encodeBase64, encodePublicKey, parsePublicKey, publicKeyFromBytes } from '@shadownet/primitives';

export interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
  /** Head and body. */
  readonly bytes: number;
}

/** Keeps connections for many nodes: what a load balancer would do. */
export function connections(count: number, source: string): Agent {
  return new Agent({ keepAlive: true, maxSockets: count, localAddress: source } as object);
}

export class FleetNode {
  readonly id = randomUUID();
  readonly publicKey: string;
  readonly address: string;
  version: MapVersion = { epoch: 0, sequence: 0 };
  assigned = '';
  /** Of the stream, since it was opened. */
  received = 0;
  onDelta: ((changed: readonly string[], at: number) => void) | undefined;
  onStreamEnd: (() => void) | undefined;
  readonly #requestKey: Uint8Array;
  readonly #eventKey: Uint8Array;
  #stream: Socket | undefined;

  constructor(index: number, serverKeyText: string) {
    const pair = nodeCrypto.privateKey(generatePrivateKey((length) => randomBytes(length)));
    const own = publicKeyFromBytes(pair.publicKey)!;
    const server = parsePublicKey(serverKeyText)!;
    const shared = pair.sharedSecret(server)!;
    this.publicKey = encodePublicKey(own);
    this.#requestKey = deriveLabelledKey(nodeCrypto, shared, 'shadownet api request v1', own, server);
    this.#eventKey = deriveLabelledKey(nodeCrypto, shared, 'shadownet stream event v1', server, own);
    this.address = `127.2.${index >> 8}.${index & 255}`;
  }

  register(port: number, agent: Agent): Promise<Answer> {
    const { id, publicKey: public_key } = this;
    const where = { endpoint_ip: null, endpoint_port: null, candidates: [] };
    const what = { hostname: `host-${id.slice(0, 8)}`, os: 'Linux 6.1', version: '0.1.0' };
    return this.#post(port, agent, '/api/v1/register', { id, public_key, ...where, ...what });
  }

  heartbeat(port: number, agent: Agent, endpointPort: number | null = null): Promise<Answer> {
    const endpoint_ip = endpointPort === null ? null : '203.0.113.7';
    const where = { endpoint_ip, endpoint_port: endpointPort, candidates: [] };
    return this.#post(port, agent, '/api/v1/heartbeat', { id: this.id, ...where, peers: [] });
  }

  /** Opens the stream from the version that the node has; resolves with its first event. Rejects if it ends before. */
  openStream(port: number): Promise<void> {
    const { headers, nonce } = this.#sign('GET', '/api/v1/events', new Uint8Array(0));
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const socket = connect({ port, host: '127.0.0.1', localAddress: this.address });
    this.#stream = socket;
    this.received = 0;
    let text = '';
    let sequence = 0;
    return new Promise((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        const at = performance.now();
        this.received += chunk.length;
        text += chunk.toString('latin1');
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
          text = text.slice(end + 2);
          if (data === undefined) continue;
          this.#take(data, nonce, sequence++, at);
          resolve();
        }
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        reject(new Error('the stream ended'));
        if (this.#stream === socket) this.onStreamEnd?.();
      });
      socket.write(
        `GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n${lines.join('')}` +
          `last-event-id: ${formatMapVersion(this.version)}\r\n\r\n`,
      );
    });
  }

  closeStream(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.destroy();
  }

  #take(data: string, nonce: string, sequence: number, at: number): void {
    const envelope = streamEnvelopeSchema.parse(JSON.parse(data));
    const { type, payload } = envelope;
    if (type !== 'delta') return;
    if (!verifyEvent(nodeCrypto, this.#eventKey, nonce, sequence, envelope)) throw new Error('a delta is not genuine');
    const delta = JSON.parse(payload) as { map_version: MapVersion; changed: { id: string }[] };
    this.version = delta.map_version;
    this.onDelta?.(
      delta.changed.map(({ id }) => id),
      at,
    );
  }

  #sign(method: string, path: string, body: Uint8Array): { headers: Record<string, string>; nonce: string } {
    const nonce = encodeBase64(randomBytes(16));
    const created = Math.floor(Date.now() / 1000);
    const parameters = { created, keyId: this.publicKey, nonce };
    const headers = signRequest(nodeCrypto, this.#requestKey, { method, path, query: '?', body }, parameters);
    return { headers: { ...headers }, nonce };
  }

  #post(port: number, agent: Agent, path: string, message: unknown): Promise<Answer> {
    const body = Buffer.from(JSON.stringify(message));
    const { headers } = this.#sign('POST', path, body);
    const all = { ...headers, 'content-type': 'application/json', 'content-length': String(body.length) };
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: all }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts);
          const bytes = text.length + response.rawHeaders.join('  ').length;
          const json = JSON.parse(text.toString()) as Record<string, unknown>;
          resolve({ status: response.statusCode!, json, bytes });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

// A node as the API sees it: signs requests, checks responses and events. For specs.

import { randomBytes, randomUUID } from 'node:crypto';
import {
  joinProofMessage,
  parseJoinKey,
  type SignatureHeaders,
  type SignatureParameters,
  signRequest,
  type StreamEnvelope,
  streamEnvelopeSchema,
  verifyEvent,
  verifyResponse,
} from '@shadownet/contracts';
import {
  type CryptoProvider,
  deriveLabelledKey,
  Ed25519Signer,
  generatePrivateKey,
  nodeCrypto,
} from '@shadownet/crypto';
import { encodeBase64, encodePublicKey, parsePublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import { type Dispatcher, request as httpRequest } from 'undici';

export interface SignedCall {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly target: string;
  readonly body: Uint8Array;
  readonly headers: SignatureHeaders;
  readonly nonce: string;
}

export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly json: Record<string, unknown>;
  readonly headers: Record<string, string | string[] | undefined>;
  /** True if the response's signature holds for the call. */
  readonly verified: boolean;
}

export class TestNode {
  readonly id = randomUUID();
  readonly publicKey: string;
  readonly #crypto: CryptoProvider = nodeCrypto;
  readonly #requestKey: Uint8Array;
  readonly responseKey: Uint8Array;
  readonly eventKey: Uint8Array;

  constructor(
    /** Changes when the server restarts on another port. */
    public url: string,
    private readonly serverKeyText: string,
    privateKey = generatePrivateKey((length) => randomBytes(length)),
  ) {
    const pair = nodeCrypto.privateKey(privateKey);
    const own = publicKeyFromBytes(pair.publicKey)!;
    const server = parsePublicKey(serverKeyText)!;
    const shared = pair.sharedSecret(server)!;
    this.publicKey = encodePublicKey(own);
    this.#requestKey = deriveLabelledKey(nodeCrypto, shared, 'shadownet api request v1', own, server);
    this.responseKey = deriveLabelledKey(nodeCrypto, shared, 'shadownet api response v1', server, own);
    this.eventKey = deriveLabelledKey(nodeCrypto, shared, 'shadownet stream event v1', server, own);
  }

  sign(
    method: 'GET' | 'POST',
    target: string,
    body: unknown,
    parameters: Partial<SignatureParameters> = {},
  ): SignedCall {
    const bytes =
      body instanceof Uint8Array
        ? body
        : body === undefined
          ? new Uint8Array(0)
          : new TextEncoder().encode(JSON.stringify(body));
    const [path, query] = target.split('?') as [string, string | undefined];
    const nonce = parameters.nonce ?? encodeBase64(randomBytes(16));
    const headers = signRequest(
      this.#crypto,
      this.#requestKey,
      { method, path, query: `?${query ?? ''}`, body: bytes },
      { created: Math.floor(Date.now() / 1000), keyId: this.publicKey, ...parameters, nonce },
    );
    return { method, target, body: bytes, headers, nonce };
  }

  async send(call: SignedCall, more: Record<string, string> = {}): Promise<Answer> {
    const raw = await this.sendRaw(call, more);
    const json = JSON.parse(new TextDecoder().decode(raw.bytes)) as Record<string, unknown>;
    return { ...raw, json, verified: this.verifies(call, raw.status, raw.bytes, raw.headers) };
  }

  /** The answer as it came: it may have no body. */
  async sendRaw(
    call: SignedCall,
    more: Record<string, string> = {},
  ): Promise<Pick<Answer, 'status' | 'bytes' | 'headers'>> {
    const { statusCode: status, headers, body } = await this.#request(call, more);
    return { status, bytes: new Uint8Array(await body.arrayBuffer()), headers };
  }

  verifies(call: SignedCall, status: number, body: Uint8Array, headers: Answer['headers']): boolean {
    const { signature: requestSignature } = call.headers;
    return verifyResponse(
      this.#crypto,
      this.responseKey,
      { status, body, requestSignature },
      headers as Partial<SignatureHeaders>,
    ).ok;
  }

  call(method: 'GET' | 'POST', target: string, body?: unknown): Promise<Answer> {
    return this.send(this.sign(method, target, body));
  }

  registration(more: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      id: this.id,
      public_key: this.publicKey,
      endpoint_ip: '203.0.113.7',
      endpoint_port: 51820,
      hostname: 'test-node',
      os: 'linux',
      version: '0.1.0',
      candidates: [],
      ...more,
    };
  }

  register(more: Record<string, unknown> = {}): Promise<Answer> {
    return this.call('POST', '/api/v1/register', this.registration(more));
  }

  /** Registers by that join key. */
  join(joinKey: string): Promise<Answer> {
    const { id, seed } = parseJoinKey(joinKey)!;
    const message = joinProofMessage(parsePublicKey(this.publicKey)!, parsePublicKey(this.serverKeyText)!);
    const signature = encodeBase64(new Ed25519Signer(seed.expose()).sign(message));
    return this.register({ join: { key_id: id, signature } });
  }

  heartbeatBody(more: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      id: this.id,
      endpoint_ip: '203.0.113.7',
      endpoint_port: 51820,
      candidates: [],
      peers: [],
      ...more,
    };
  }

  heartbeat(more: Record<string, unknown> = {}): Promise<Answer> {
    return this.call('POST', '/api/v1/heartbeat', this.heartbeatBody(more));
  }

  /** Resumes from a version of the map, EPOCH.SEQUENCE, if one is given. */
  async openStream(lastEventId?: string): Promise<TestStream> {
    const call = this.sign('GET', '/api/v1/events', undefined);
    const response = await this.#request(call, lastEventId === undefined ? {} : { 'last-event-id': lastEventId });
    if (response.statusCode !== 200) throw new Error(`stream: ${response.statusCode} ${await response.body.text()}`);
    return new TestStream(response.body, (expected, envelope) =>
      verifyEvent(this.#crypto, this.eventKey, call.nonce, expected, envelope),
    );
  }

  #request(call: SignedCall, more: Record<string, string>): Promise<Dispatcher.ResponseData> {
    return httpRequest(this.url + call.target, {
      method: call.method,
      headers: {
        ...(call.method === 'POST' && { 'content-type': 'application/json' }),
        ...call.headers,
        ...more,
      },
      ...(call.method === 'POST' && { body: call.body }),
    });
  }
}

export interface TestEvent {
  readonly type: string;
  readonly payload: Record<string, unknown>;
  readonly envelope: StreamEnvelope;
}

/** Reads a stream's events one by one and checks each one's signature and place. */
export class TestStream {
  #text = '';
  #next = 0;
  readonly #chunks: AsyncIterator<Buffer>;

  constructor(
    private readonly body: Dispatcher.ResponseData['body'],
    private readonly verify: (expectedSequence: number, envelope: StreamEnvelope) => boolean,
  ) {
    this.#chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<TestEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end !== -1) {
        const data = /^data: (.*)$/m.exec(this.#text.slice(0, end))![1]!;
        this.#text = this.#text.slice(end + 2);
        const envelope = streamEnvelopeSchema.parse(JSON.parse(data));
        if (!this.verify(this.#next++, envelope)) throw new Error(`event ${envelope.sequence} is not genuine`);
        return { type: envelope.type, payload: JSON.parse(envelope.payload) as TestEvent['payload'], envelope };
      }
      const chunk = await this.#chunks.next();
      if (chunk.done) return undefined;
      this.#text += chunk.value.toString('utf8');
    }
  }

  /** The next event of that type. */
  async nextOf(type: string): Promise<TestEvent> {
    for (;;) {
      const event = await this.next();
      if (!event) throw new Error(`the stream ended before ${type}`);
      if (event.type === type) return event;
    }
  }

  close(): void {
    this.body.destroy();
  }
}

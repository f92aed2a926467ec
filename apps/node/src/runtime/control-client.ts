// The control server's API as the node calls it: every request is signed, every answer verified (RFC 9421 as in
// libs/contracts message-signature). It knows nothing of retries: control-session decides when to call.

import {
  type CanAnswer,
  canAnswerSchema,
  type CanQuery,
  type CallRequest,
  type CallResponse,
  callResponseSchema,
  type GoodbyeRequest,
  goodbyeResponseSchema,
  type HeartbeatRequest,
  type HeartbeatResponse,
  heartbeatResponseSchema,
  formatMapVersion,
  type MapUpdateMessage,
  mapUpdateSchema,
  type MapVersion,
  MAX_BODY_BYTES,
  type Problem,
  problemSchema,
  type RegisterRequest,
  type RegisterResponse,
  registerResponseSchema,
  type ServerInfo,
  serverInfoSchema,
  type SignatureHeaders,
  signRequest,
  verifyResponse,
} from '@shadownet/contracts';
import type { CryptoProvider, RandomBytes } from '@shadownet/crypto';
import { decodeUtf8, encodeBase64, encodePublicKey, encodeUtf8, type PublicKey } from '@shadownet/primitives';
import { type Dispatcher, Pool } from 'undici';
import type { ControlFailure, ControlResult } from './control-failure.js';
import type { ControlKeys } from './control-keys.js';
import { type EventStream, readEventStream } from './event-stream.js';
import { describeTransportError } from './transport-error.js';

export interface ControlClientOptions {
  /** The server's base URL: the API lies under its path. */
  readonly url: URL;
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly publicKey: PublicKey;
  /** Milliseconds since the Unix epoch. */
  readonly wallNow: () => number;
}

/** What this file needs of a zod schema. */
interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: { message: string } };
}

interface Answer {
  readonly status: number;
  readonly headers: Partial<Record<keyof SignatureHeaders, string>>;
  readonly body: Uint8Array;
}

const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** A map of 65,535 peers with all their candidates. */
const MAX_MAP_BYTES = 128 * 1024 * 1024;
const NO_BODY = new Uint8Array(0);

export class ControlClient {
  readonly #options: ControlClientOptions;
  readonly #keyId: string;
  readonly #pool: Pool;
  readonly #prefix: string;
  #keys: ControlKeys | undefined;
  /** What to add to our clock to get the server's, in milliseconds. */
  #clockOffset = 0;

  constructor(options: ControlClientOptions) {
    this.#options = options;
    this.#keyId = encodePublicKey(options.publicKey);
    this.#prefix = `${options.url.pathname.replace(/\/+$/, '')}/api/v1`;
    this.#pool = new Pool(options.url.origin, {
      connections: 4,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
    });
  }

  /** Signs and verifies with these keys from now on. Nothing but `fetchServerInfo` works before. */
  useKeys(keys: ControlKeys): void {
    this.#keys = keys;
  }

  /** The one answer that is not signed: the caller compares its key with the pinned one. */
  async fetchServerInfo(signal?: AbortSignal): Promise<ControlResult<ServerInfo>> {
    const sent = await this.#send('GET', '/server', NO_BODY, {}, MAX_BODY_BYTES, signal);
    if (!sent.ok) return sent;
    if (sent.value.status !== 200) return unreachable(`the server answered with status ${sent.value.status}`);
    return parseBody(serverInfoSchema, sent.value.body);
  }

  register(request: RegisterRequest, signal?: AbortSignal): Promise<ControlResult<RegisterResponse>> {
    return this.#call('POST', '/register', request, registerResponseSchema, signal);
  }

  heartbeat(request: HeartbeatRequest, signal?: AbortSignal): Promise<ControlResult<HeartbeatResponse>> {
    return this.#call('POST', '/heartbeat', request, heartbeatResponseSchema, signal);
  }

  /** What changed since that version, or the whole map. */
  fetchPeers(since?: MapVersion, signal?: AbortSignal): Promise<ControlResult<MapUpdateMessage>> {
    const query = since ? `?since=${formatMapVersion(since)}` : '';
    return this.#call('GET', `/peers${query}`, undefined, mapUpdateSchema, signal);
  }

  goodbye(request: GoodbyeRequest, signal?: AbortSignal): Promise<ControlResult<unknown>> {
    return this.#call('POST', '/goodbye', request, goodbyeResponseSchema, signal);
  }

  call(request: CallRequest, signal?: AbortSignal): Promise<ControlResult<CallResponse>> {
    return this.#call('POST', '/calls', request, callResponseSchema, signal);
  }

  /** May one node open this to the other? One of them has to be this node. */
  can(query: CanQuery, signal?: AbortSignal): Promise<ControlResult<CanAnswer>> {
    return this.#call('GET', `/policy/can/own?${new URLSearchParams(query)}`, undefined, canAnswerSchema, signal);
  }

  /**
   * Reads the event stream until it ends, which it does by failure or by `signal` only; resolves with why. It begins with what
   * changed since the version `since`, or with the whole map.
   */
  async readEvents(stream: EventStream, since: MapVersion | undefined, signal: AbortSignal): Promise<ControlFailure> {
    const keys = this.#requireKeys();
    const { nonce, headers } = this.#sign('GET', '/events', NO_BODY);
    try {
      const response = await this.#pool.request({
        method: 'GET',
        path: `${this.#prefix}/events`,
        headers: {
          ...headers,
          accept: 'text/event-stream',
          ...(since && { 'last-event-id': formatMapVersion(since) }),
        },
        // The stream has its own watch over silence, which counts verified events only.
        bodyTimeout: 0,
        signal,
      });
      if (response.statusCode === 200) {
        const verification = { crypto: this.#options.crypto, key: keys.event, nonce };
        return await readEventStream(response.body, verification, stream);
      }
      const answer = await readAnswer(response, MAX_BODY_BYTES);
      return this.#explainRefusal(answer, headers.signature);
    } catch (error) {
      return { kind: 'unreachable', detail: describeTransportError(error) };
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #call<T>(
    method: 'GET' | 'POST',
    endpoint: string,
    message: unknown,
    schema: Schema<T>,
    signal: AbortSignal | undefined,
  ): Promise<ControlResult<T>> {
    const first = await this.#callOnce(method, endpoint, message, schema, signal);
    if (first.ok || first.failure.kind !== 'refused' || first.failure.serverTime === undefined) return first;
    // Our clock is off, says the server, and signs it: once more by its clock.
    this.#clockOffset = first.failure.serverTime - this.#options.wallNow();
    return this.#callOnce(method, endpoint, message, schema, signal);
  }

  async #callOnce<T>(
    method: 'GET' | 'POST',
    endpoint: string,
    message: unknown,
    schema: Schema<T>,
    signal: AbortSignal | undefined,
  ): Promise<ControlResult<T>> {
    const body = message === undefined ? NO_BODY : encodeUtf8(JSON.stringify(message));
    const { headers } = this.#sign(method, endpoint, body);
    const limit = method === 'GET' ? MAX_MAP_BYTES : MAX_BODY_BYTES;
    const sent = await this.#send(method, endpoint, body, headers, limit, signal);
    if (!sent.ok) return sent;
    const answer = sent.value;
    if (answer.status < 200 || answer.status > 299) {
      return { ok: false, failure: this.#explainRefusal(answer, headers.signature) };
    }
    const verified = this.#verify(answer, headers.signature);
    if (!verified.ok) return { ok: false, failure: { kind: 'untrusted', detail: verified.reason } };
    return parseBody(schema, answer.body);
  }

  /** `endpoint` is a path with or without a query. */
  #sign(method: string, endpoint: string, body: Uint8Array): { nonce: string; headers: SignatureHeaders } {
    const { crypto, random, wallNow } = this.#options;
    const nonce = encodeBase64(random(16));
    const created = Math.floor((wallNow() + this.#clockOffset) / 1000);
    const [path, query = ''] = endpoint.split('?');
    const request = { method, path: `${this.#prefix}${path}`, query: `?${query}`, body };
    const headers = signRequest(crypto, this.#requireKeys().request, request, { created, keyId: this.#keyId, nonce });
    return { nonce, headers };
  }

  #verify({ status, headers, body }: Answer, requestSignature: string): ReturnType<typeof verifyResponse> {
    const response = { status, body, requestSignature };
    return verifyResponse(this.#options.crypto, this.#requireKeys().response, response, headers);
  }

  /** A signed problem is the server's word; anything else with an error status may come from whoever is on the way. */
  #explainRefusal(answer: Answer, requestSignature: string): ControlFailure {
    const problem = readProblem(answer.body);
    const verified = this.#verify(answer, requestSignature);
    if (!verified.ok) {
      if (answer.status >= 500 || answer.status === 429)
        return { kind: 'unreachable', detail: `status ${answer.status}` };
      return {
        kind: 'untrusted',
        detail: `${verified.reason}, status ${answer.status} ${problem?.code ?? ''}`.trimEnd(),
      };
    }
    if (!problem) return { kind: 'malformed', detail: `status ${answer.status} without a problem` };
    return {
      kind: 'refused',
      status: answer.status,
      code: problem.code,
      detail: describeProblem(problem),
      serverTime: problem.code === 'signature-expired' ? parseTime(problem.server_time) : undefined,
    };
  }

  async #send(
    method: 'GET' | 'POST',
    endpoint: string,
    body: Uint8Array,
    headers: Partial<SignatureHeaders>,
    limit: number,
    signal: AbortSignal | undefined,
  ): Promise<ControlResult<Answer>> {
    try {
      const request = this.#pool.request({
        method,
        path: this.#prefix + endpoint,
        headers: { ...headers, ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) },
        body: method === 'POST' ? body : null,
        signal: signal ?? null,
      });
      return { ok: true, value: await readAnswer(await orAborted(request, signal), limit) };
    } catch (error) {
      return unreachable(describeTransportError(error));
    }
  }

  #requireKeys(): ControlKeys {
    if (!this.#keys) throw new Error('the keys shared with the control server are not set');
    return this.#keys;
  }
}

/** undici heeds the signal once it is connected; a host that does not answer would hold us for the connect timeout. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function readAnswer(response: Dispatcher.ResponseData, limit: number): Promise<Answer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response.body) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > limit) throw new Error(`the answer is longer than ${limit} bytes`);
  }
  const header = (name: keyof SignatureHeaders): Partial<Record<keyof SignatureHeaders, string>> => {
    const value = response.headers[name];
    return typeof value === 'string' ? { [name]: value } : {};
  };
  const headers = { ...header('content-digest'), ...header('signature-input'), ...header('signature') };
  return { status: response.statusCode, headers, body: Buffer.concat(parts) };
}

function parseBody<T>(schema: Schema<T>, body: Uint8Array): ControlResult<T> {
  const parsed = schema.safeParse(parseJson(body));
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, failure: { kind: 'malformed', detail: parsed.error.message.replace(/\s+/g, ' ').slice(0, 200) } };
}

function readProblem(body: Uint8Array): Problem | undefined {
  const parsed = problemSchema.safeParse(parseJson(body));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(body: Uint8Array): unknown {
  const text = decodeUtf8(body);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describeProblem({ title, detail, errors }: Problem): string {
  const fields = errors?.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return [title, detail, fields].filter((part) => part !== undefined && part !== '').join('; ');
}

function parseTime(text: string | undefined): number | undefined {
  const time = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

function unreachable(detail: string): { ok: false; failure: ControlFailure } {
  return { ok: false, failure: { kind: 'unreachable', detail } };
}

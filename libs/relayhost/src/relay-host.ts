// A relay in a thread of its own, as the main thread sees it: it is started, told whom to admit, handed the WebSockets, asked for
// its counters and closed. Used by shadownet-control and shadownet-relay.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { assertNever } from '@shadownet/primitives';
import type { Revocation } from '@shadownet/relay';
import { RelayHostError } from './relay-host-error.js';
import type { RelayUdpKind } from './relay-udp.js';
import type { FromRelay, RelayHostCounters, RelayWorkerStart, StreamNumber, ToRelay } from './worker-messages.js';

export interface RelayHostOptions extends RelayWorkerStart {
  /** The file of the thread, which calls `runRelayWorker`. */
  readonly workerEntry: URL;
  /** The thread has ended by itself. */
  readonly onFailed: (error: RelayHostError) => void;
}

/** For the goodbyes to the clients. */
const CLOSING_GRACE_MS = 2000;

/** What the thread wants of a WebSocket. */
export interface StreamHandler {
  send(message: Uint8Array): void;
  /** So many bytes that came from the client were dealt with. */
  taken(bytes: number): void;
  close(): void;
}

export class RelayHost {
  readonly #streams = new Map<StreamNumber, StreamHandler>();
  #nextStream = 1;
  #counting:
    | { readonly promise: Promise<RelayHostCounters>; readonly resolve: (counters: RelayHostCounters) => void }
    | undefined;
  #state: 'running' | 'closing' | 'ended' = 'running';
  readonly #ended: Promise<void>;

  private constructor(
    private readonly worker: Worker,
    /** Undefined without UDP. */
    readonly udp: { readonly kind: RelayUdpKind; readonly port: number } | undefined,
    onFailed: (error: RelayHostError) => void,
  ) {
    this.#ended = new Promise((resolve) => {
      worker.on('exit', (code) => {
        if (this.#state === 'running')
          onFailed(new RelayHostError('relay-failed', `the relay has ended (code ${code})`));
        this.#state = 'ended';
        resolve();
      });
    });
    worker.on('error', (error) => {
      if (this.#state === 'running') onFailed(failure(error));
      this.#state = 'ended';
    });
    worker.on('message', (message: FromRelay) => this.#handle(message));
  }

  /** Rejects with a RelayHostError. Takes over the private key, of which it leaves no copy in this thread. */
  static async start({ workerEntry, onFailed, ...start }: RelayHostOptions): Promise<RelayHost> {
    const worker = new Worker(workerEntry, { name: 'relay', workerData: start });
    start.privateKey.fill(0);
    const first = await firstMessage(worker);
    if (first.kind === 'listening') return new RelayHost(worker, first.udp, onFailed);
    await worker.terminate();
    throw new RelayHostError('relay-failed', first.kind === 'failed' ? first.message : 'the relay did not start');
  }

  /** Base64 keys that are members from now on. */
  admit(keys: readonly string[]): void {
    this.#post({ kind: 'admit', keys });
  }

  /** Keys that are not members any more: their sessions end at once. */
  revoke(keys: readonly string[]): void {
    this.#post({ kind: 'revoke', keys });
  }

  /** Revocations that are authentic: tickets count no more, and sessions that came by them end at once. */
  revokeTickets(revocations: readonly Revocation[]): void {
    this.#post({ kind: 'revoke-tickets', revocations });
  }

  openStream(endpoint: string, handler: StreamHandler): StreamNumber {
    const stream = this.#nextStream++;
    this.#streams.set(stream, handler);
    this.#post({ kind: 'stream-open', stream, endpoint });
    return stream;
  }

  /** Hands the memory of `message` over. */
  takeMessage(stream: StreamNumber, message: Uint8Array<ArrayBuffer>): void {
    this.#post({ kind: 'stream-message', stream, message }, [message.buffer]);
  }

  sent(stream: StreamNumber, bytes: number): void {
    this.#post({ kind: 'stream-sent', stream, bytes });
  }

  streamClosed(stream: StreamNumber): void {
    if (this.#streams.delete(stream)) this.#post({ kind: 'stream-closed', stream });
  }

  counters(): Promise<RelayHostCounters> {
    if (!this.#counting) {
      let resolve: (counters: RelayHostCounters) => void = () => {};
      const promise = new Promise<RelayHostCounters>((settle) => (resolve = settle));
      this.#counting = { promise, resolve };
      this.#post({ kind: 'count' });
    }
    return this.#counting.promise;
  }

  /** Clients are told. Resolves when the port is free again. */
  async close(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'closing';
      this.worker.postMessage({ kind: 'close' } satisfies ToRelay);
    }
    const impatience = setTimeout(() => void this.worker.terminate(), CLOSING_GRACE_MS);
    await this.#ended;
    clearTimeout(impatience);
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }

  #handle(message: FromRelay): void {
    switch (message.kind) {
      case 'stream-message':
        return this.#streams.get(message.stream)?.send(message.message);
      case 'stream-taken':
        return this.#streams.get(message.stream)?.taken(message.bytes);
      case 'stream-close':
        this.#streams.get(message.stream)?.close();
        this.#streams.delete(message.stream);
        return;
      case 'counted':
        this.#counting?.resolve(message.counters);
        this.#counting = undefined;
        return;
      case 'listening':
      case 'failed':
      case 'closed':
        return;
      default:
        assertNever(message);
    }
  }

  #post(message: ToRelay, transfer: ArrayBuffer[] = []): void {
    if (this.#state === 'running') this.worker.postMessage(message, transfer);
  }
}

async function firstMessage(worker: Worker): Promise<FromRelay> {
  const ended = new AbortController();
  const exit = once(worker, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new RelayHostError('relay-failed', `the relay has ended (code ${code})`);
  });
  // Rejects for an 'error', too.
  const message = once(worker, 'message', { signal: ended.signal });
  try {
    const [first] = await Promise.race([message, exit]);
    return first as FromRelay;
  } catch (error) {
    throw error instanceof RelayHostError ? error : failure(error);
  } finally {
    exit.catch(() => {});
    message.catch(() => {});
    ended.abort();
  }
}

function failure(error: unknown): RelayHostError {
  const why = error instanceof Error ? error.message : String(error);
  return new RelayHostError('relay-failed', `the relay has ended: ${why}`, { cause: error });
}

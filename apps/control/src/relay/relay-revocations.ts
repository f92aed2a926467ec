// Tells the relays that stand alone of nodes that have been removed: at once, and again each minute until the tickets of those nodes
// have ended, for relays that were away or have restarted meanwhile. What it tells is signed (revocation.ts in libs/relay).

import type { Relay } from '@shadownet/contracts';

const REPEAT_MS = 60_000;
const RETRY_MS = 5_000;
const ANSWER_TIMEOUT_MS = 5_000;
/** A relay takes so many at once. */
const PER_REQUEST = 512;

export interface RelayRevocationsOptions {
  readonly relays: readonly Pick<Relay, 'id' | 'websocket_url'>[];
  /** The time of day in seconds since the Unix epoch. */
  readonly wallSeconds: () => number;
  /** A relay could not be told; once until it can be again. */
  readonly onFailed: (relay: string, error: string) => void;
}

interface Pending {
  readonly bytes: Uint8Array;
  /** When the tickets that it voids have ended, in seconds since the Unix epoch. */
  readonly until: number;
}

export class RelayRevocations {
  readonly #options: RelayRevocationsOptions;
  /** By the node's key. */
  readonly #pending = new Map<string, Pending>();
  readonly #failing = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #telling: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RelayRevocationsOptions) {
    this.#options = options;
  }

  add(publicKey: string, bytes: Uint8Array, until: number): void {
    if (this.#options.relays.length === 0) return;
    this.#pending.set(publicKey, { bytes, until });
    this.#tellSoon(0);
  }

  /** Tickets of that key have to end later than this. */
  ticketsUntil(publicKey: string): number {
    return this.#pending.get(publicKey)?.until ?? 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#telling;
  }

  #tellSoon(delay: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#telling = this.#telling.then(() => this.#tellAll());
    }, delay);
    this.#timer.unref();
  }

  async #tellAll(): Promise<void> {
    const now = this.#options.wallSeconds();
    for (const [key, { until }] of this.#pending) if (until <= now) this.#pending.delete(key);
    if (this.#pending.size === 0 || this.#closed) return;
    const all = [...this.#pending.values()].map(({ bytes }) => bytes);
    const told = await Promise.all(this.#options.relays.map((relay) => this.#tell(relay, all)));
    this.#tellSoon(told.every(Boolean) ? REPEAT_MS : RETRY_MS);
  }

  async #tell({ id, websocket_url: url }: Pick<Relay, 'id' | 'websocket_url'>, all: Uint8Array[]): Promise<boolean> {
    try {
      if (url === null) throw new Error('it has no WebSocket, and so no address for this');
      for (let first = 0; first < all.length; first += PER_REQUEST) {
        await post(revocationsUrl(url), Buffer.concat(all.slice(first, first + PER_REQUEST)));
      }
      this.#failing.delete(id);
      return true;
    } catch (error) {
      if (!this.#failing.has(id)) this.#options.onFailed(id, describe(error));
      this.#failing.add(id);
      return false;
    }
  }
}

/** Beside the relay's WebSocket. */
function revocationsUrl(webSocketUrl: string): URL {
  const url = new URL(webSocketUrl);
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
  url.pathname = `${url.pathname.replace(/\/$/, '')}/revocations`;
  return url;
}

async function post(url: URL, body: Uint8Array): Promise<void> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const response = await fetch(url, { method: 'POST', body: Uint8Array.from(body), redirect: 'error', signal });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
}

/** fetch hides the reason in the cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

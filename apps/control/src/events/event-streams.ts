// The open streams, at most one per node.

import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { type MapVersion, STREAM_KEEPALIVE_MS, type StreamEvent } from '@shadownet/contracts';
import type { CryptoProvider } from '@shadownet/crypto';
import type { Response } from 'express';
import type { Caller } from '../auth/caller.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { ApiError } from '../http/api-error.js';
import { CRYPTO } from '../identity/identity.module.js';
import { NetworkMapService } from '../network-map/network-map.service.js';
import { EventStream } from './event-stream.js';

/** Keepalives go out in so many parts, one after the other: never to all streams in one turn of the event loop. */
const KEEPALIVE_PARTS = 100;

@Injectable()
export class EventStreams implements OnModuleDestroy {
  readonly #streams = new Map<string, EventStream>();
  /** Whose keepalives are due, in the order of their opening. */
  #due: EventStream[] = [];
  #part = 0;
  #closed = false;

  constructor(
    private readonly transactions: SignedTransactions,
    private readonly maps: NetworkMapService,
    @Inject(CRYPTO) private readonly crypto: CryptoProvider,
  ) {}

  /**
   * Opens the caller's stream with what changed since the version that it has, or with the whole map. It replaces an older
   * stream of the same node.
   */
  async open(caller: Caller, since: MapVersion | undefined, response: Response): Promise<void> {
    this.maps.viewer(caller.publicKey);
    await this.transactions.useNonce(caller);
    // From here to the end in one go: no change can fall between the map and the events that follow it.
    const viewer = this.maps.viewer(caller.publicKey);
    if (this.#closed) throw new ApiError('unavailable');
    if (response.closed) return;
    const update = since ? this.maps.updateFor(viewer, since) : this.maps.mapFor(viewer);
    const stream = new EventStream(caller, this.crypto, response);
    this.#streams.get(caller.publicKey)?.end();
    this.#streams.set(caller.publicKey, stream);
    stream.onClose(() => this.#forget(stream));
    stream.sendMap('since' in update ? 'delta' : 'map', JSON.stringify(update), update.map_version);
  }

  all(): IterableIterator<EventStream> {
    return this.#streams.values();
  }

  /** Tells the node of that key alone; false if it has no stream. */
  tell(publicKey: string, event: StreamEvent): boolean {
    const stream = this.#streams.get(publicKey);
    stream?.send(event.type, JSON.stringify(event.payload));
    return stream !== undefined;
  }

  /** Ends the stream of that node: it is silent, or not a member any more. */
  end(publicKey: string): void {
    const stream = this.#streams.get(publicKey);
    if (!stream) return;
    // At once: nothing may be written after the end.
    this.#forget(stream);
    stream.end();
  }

  /** Every stream has its turn once in STREAM_KEEPALIVE_MS. */
  @Interval(STREAM_KEEPALIVE_MS / KEEPALIVE_PARTS)
  keepSomeAlive(): void {
    if (this.#part === 0) this.#due = [...this.#streams.values()];
    const from = Math.floor((this.#due.length * this.#part) / KEEPALIVE_PARTS);
    this.#part = (this.#part + 1) % KEEPALIVE_PARTS;
    const to = this.#part === 0 ? this.#due.length : Math.floor((this.#due.length * this.#part) / KEEPALIVE_PARTS);
    for (const stream of this.#due.slice(from, to)) if (this.#isOpen(stream)) stream.sendKeepalive();
  }

  get size(): number {
    return this.#streams.size;
  }

  onModuleDestroy(): void {
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.end();
  }

  #isOpen(stream: EventStream): boolean {
    return this.#streams.get(stream.caller.publicKey) === stream;
  }

  #forget(stream: EventStream): void {
    if (this.#isOpen(stream)) this.#streams.delete(stream.caller.publicKey);
  }
}

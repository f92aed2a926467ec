// The open streams, at most one per node, and what is told to all of them.

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

@Injectable()
export class EventStreams implements OnModuleDestroy {
  readonly #streams = new Map<string, EventStream>();
  /** The version that all streams have been told of. */
  #version: MapVersion | undefined;
  #closed = false;

  constructor(
    private readonly transactions: SignedTransactions,
    private readonly maps: NetworkMapService,
    @Inject(CRYPTO) private readonly crypto: CryptoProvider,
  ) {}

  /** Opens the caller's stream with the whole map. It replaces an older stream of the same node. */
  async open(caller: Caller, response: Response): Promise<void> {
    await this.transactions.run(
      caller,
      (manager) => this.maps.mapFor(manager, caller.publicKey),
      // Between commits: no change can fall between the map and the events that follow it.
      (map) => {
        if (this.#closed) throw new ApiError('unavailable');
        if (response.closed) return;
        this.#version = map.map_version;
        const stream = new EventStream(caller, this.crypto, response);
        this.#streams.get(caller.publicKey)?.end();
        this.#streams.set(caller.publicKey, stream);
        stream.onClose(() => this.#forget(stream));
        stream.send('map', JSON.stringify(map));
      },
    );
  }

  /** Tells every stream but that of the node which the event is about. */
  publish(event: StreamEvent, exceptFor?: string): void {
    if ('map_version' in event.payload) this.#version = event.payload.map_version;
    const payload = JSON.stringify(event.payload);
    for (const [publicKey, stream] of this.#streams) if (publicKey !== exceptFor) stream.send(event.type, payload);
  }

  /** Tells the node of that key alone; false if it has no stream. */
  tell(publicKey: string, event: StreamEvent): boolean {
    const stream = this.#streams.get(publicKey);
    stream?.send(event.type, JSON.stringify(event.payload));
    return stream !== undefined;
  }

  @Interval(STREAM_KEEPALIVE_MS)
  keepAlive(): void {
    if (this.#version) this.publish({ type: 'keepalive', payload: { map_version: this.#version } });
  }

  get size(): number {
    return this.#streams.size;
  }

  onModuleDestroy(): void {
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.end();
  }

  #forget(stream: EventStream): void {
    const { publicKey } = stream.caller;
    if (this.#streams.get(publicKey) === stream) this.#streams.delete(publicKey);
  }
}

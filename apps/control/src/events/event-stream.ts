// One open stream: numbers and signs its events, knows which version of the map its reader was told of, and is cut when the
// reader does not keep up.

import { formatMapVersion, type MapVersion, type StreamEvent, signEvent } from '@shadownet/contracts';
import type { CryptoProvider } from '@shadownet/crypto';
import type { Response } from 'express';
import type { Caller } from '../auth/caller.js';

/** Bytes of changes that may wait in the server for a slow reader before its next event ends the stream. */
export const MAX_WAITING_BYTES = 1024 * 1024;

export class EventStream {
  #sequence = 0;
  #limit = MAX_WAITING_BYTES;
  #version: MapVersion = { epoch: 0, sequence: 0 };

  constructor(
    readonly caller: Caller,
    private readonly crypto: CryptoProvider,
    private readonly response: Response,
  ) {
    response.set({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Nothing comes after a stream: closing the connection is how both ends notice its end at once.
      connection: 'close',
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
  }

  /** `payload` is the event's as JSON text. */
  send(type: StreamEvent['type'], payload: string): void {
    if (this.response.writableLength > this.#limit) {
      this.response.destroy();
      return;
    }
    const sequence = this.#sequence++;
    const envelope = signEvent(this.crypto, this.caller.keys.event, this.caller.nonce, { sequence, type, payload });
    const text = `id: ${formatMapVersion(this.#version)}\nevent: message\ndata: ${JSON.stringify(envelope)}\n\n`;
    // The map of a large mesh is larger than that by itself: whoever reads slowly would never get beyond it.
    if (sequence === 0) this.#limit += text.length;
    this.response.write(text);
  }

  /** The map or a delta, which bring the reader to `version`. `payload` is JSON text. */
  sendMap(type: 'map' | 'delta', payload: string, version: MapVersion): void {
    this.#version = version;
    this.send(type, payload);
  }

  sendKeepalive(): void {
    this.send('keepalive', `{"map_version":${JSON.stringify(this.#version)}}`);
  }

  sendHeartbeatInterval(milliseconds: number): void {
    this.send('heartbeat-interval', JSON.stringify({ heartbeat_interval_ms: milliseconds }));
  }

  /** Nothing up to that version matters to the reader: the next keepalive tells it so. */
  advance(version: MapVersion): void {
    this.#version = version;
  }

  /** True if the reader has not been told of that version. */
  isBehind({ epoch, sequence }: MapVersion): boolean {
    const told = this.#version;
    return told.epoch < epoch || (told.epoch === epoch && told.sequence < sequence);
  }

  /** True if what happened at that sequence was in what the reader was told. Sequences rise over all epochs. */
  hasHeardOf(sequence: number): boolean {
    return sequence <= this.#version.sequence;
  }

  onClose(handler: () => void): void {
    this.response.on('close', handler);
  }

  end(): void {
    this.response.end();
  }
}

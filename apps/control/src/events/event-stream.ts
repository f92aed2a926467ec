// One open stream: numbers and signs its events, and is cut when its reader does not keep up.

import { type StreamEvent, signEvent } from '@shadownet/contracts';
import type { CryptoProvider } from '@shadownet/crypto';
import type { Response } from 'express';
import type { Caller } from '../auth/caller.js';

/** Bytes of changes that may wait in the server for a slow reader before its next event ends the stream. */
export const MAX_WAITING_BYTES = 1024 * 1024;

export class EventStream {
  #sequence = 0;
  #limit = MAX_WAITING_BYTES;

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

  /** `payload` is the event's payload as JSON text. */
  send(type: StreamEvent['type'], payload: string): void {
    if (this.response.writableLength > this.#limit) {
      this.response.destroy();
      return;
    }
    const sequence = this.#sequence++;
    const envelope = signEvent(this.crypto, this.caller.keys.event, this.caller.nonce, { sequence, type, payload });
    const text = `id: ${sequence}\nevent: message\ndata: ${JSON.stringify(envelope)}\n\n`;
    // The map of a large mesh is larger than that by itself: whoever reads slowly would never get beyond it.
    if (sequence === 0) this.#limit += text.length;
    this.response.write(text);
  }

  onClose(handler: () => void): void {
    this.response.on('close', handler);
  }

  end(): void {
    this.response.end();
  }
}

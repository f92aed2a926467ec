// The WebSockets of a relay as its own thread sees them. What waits for a client that reads slowly is bounded: frames beyond that
// are dropped, as a full queue on any path drops them.

import { type Endpoint, type Instant, parseEndpoint } from '@shadownet/primitives';
import { type RelayLink, StreamMessageWriter } from '@shadownet/relay';
import type { FromRelay, StreamNumber } from './worker-messages.js';

/** Handed to the main thread and not yet sent: 40 ms at 100 Mbit/s. */
export const MAX_QUEUED_BYTES = 512 * 1024;
/** A stream on which nobody has proved a key by then is closed. */
const UNPROVED_TIME = 10_000;

export class WorkerStream implements RelayLink {
  readonly kind = 'stream';
  readonly id: string;
  readonly writer = new StreamMessageWriter();
  /** Bytes handed over and not yet sent. */
  queued = 0;

  constructor(
    readonly number: StreamNumber,
    readonly endpoint: Endpoint,
    readonly openedAt: Instant,
  ) {
    this.id = `stream ${number}`;
  }
}

export class WorkerStreams {
  readonly #streams = new Map<StreamNumber, WorkerStream>();
  readonly #waiting = new Set<WorkerStream>();
  /** Frames dropped because their receiver reads too slowly. */
  slowReceiver = 0;

  constructor(private readonly post: (message: FromRelay, transfer?: ArrayBuffer[]) => void) {}

  get size(): number {
    return this.#streams.size;
  }

  open(number: StreamNumber, endpointText: string, now: Instant): void {
    const endpoint = parseEndpoint(endpointText);
    if (endpoint) this.#streams.set(number, new WorkerStream(number, endpoint, now));
    else this.post({ kind: 'stream-close', stream: number });
  }

  get(number: StreamNumber): WorkerStream | undefined {
    return this.#streams.get(number);
  }

  forget(number: StreamNumber): void {
    this.#streams.delete(number);
  }

  send(bytes: Uint8Array, at: number, length: number, to: RelayLink): void {
    if (!(to instanceof WorkerStream)) return;
    if (to.queued + to.writer.length + length > MAX_QUEUED_BYTES) {
      this.slowReceiver++;
      return;
    }
    this.#waiting.add(to);
    if (to.writer.add(bytes, at, length)) this.#flush(to);
  }

  sent(number: StreamNumber, bytes: number): void {
    const stream = this.#streams.get(number);
    if (stream) stream.queued -= bytes;
  }

  /** Hands over what was collected. */
  flushAll(): void {
    for (const stream of this.#waiting) this.#flush(stream);
    this.#waiting.clear();
  }

  close(link: RelayLink): void {
    if (!(link instanceof WorkerStream)) return;
    this.#flush(link);
    this.#streams.delete(link.number);
    this.post({ kind: 'stream-close', stream: link.number });
  }

  /** Those whose time to prove a key is over. */
  *unproved(now: Instant, hasSession: (link: RelayLink) => boolean): Iterable<WorkerStream> {
    for (const stream of this.#streams.values()) {
      if (now - stream.openedAt >= UNPROVED_TIME && !hasSession(stream)) yield stream;
    }
  }

  #flush(stream: WorkerStream): void {
    if (stream.writer.isEmpty) return;
    const message = stream.writer.take();
    stream.queued += message.length;
    this.post({ kind: 'stream-message', stream: stream.number, message }, [message.buffer]);
  }
}

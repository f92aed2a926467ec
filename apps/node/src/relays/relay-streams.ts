// The WebSockets to relays, for networks that let no UDP out. Frames of one turn of the event loop share a message. Used by
// node-relays.ts.

import { readStreamMessage, type RelayId, type StreamEvent, StreamMessageWriter } from '@shadownet/relay';
import { WebSocket } from 'ws';

interface Stream {
  readonly socket: WebSocket;
  readonly writer: StreamMessageWriter;
}

/** Longer than a relay on the other side of the earth takes for TCP, TLS and HTTP. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A relay sends no longer ones (docs/relay.md). */
const MAX_MESSAGE_BYTES = 65_536;
/** What waits for a slow network: beyond it frames are dropped, as a router drops packets. 0.1 s at 40 Mbit/s. */
const MAX_WAITING_BYTES = 512 * 1024;

export class RelayStreams {
  readonly #onEvent: (relay: RelayId, event: StreamEvent) => void;
  readonly #streams = new Map<RelayId, Stream>();
  #dropped = 0;

  /** `onEvent` is never called from inside a call of ours. */
  constructor(onEvent: (relay: RelayId, event: StreamEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Frames that did not leave because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  open(relay: RelayId, url: string): void {
    this.close(relay);
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
    });
    const stream = { socket, writer: new StreamMessageWriter() };
    this.#streams.set(relay, stream);
    const tell = (event: StreamEvent): void => {
      if (this.#streams.get(relay) === stream) this.#onEvent(relay, event);
    };
    socket.binaryType = 'arraybuffer';
    socket.on('open', () => tell({ kind: 'open' }));
    // What went wrong ends with 'close'.
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#streams.get(relay) !== stream) return;
      this.#streams.delete(relay);
      this.#onEvent(relay, { kind: 'closed' });
    });
    socket.on('message', (data) => {
      if (!(data instanceof ArrayBuffer)) return socket.terminate();
      const message = new Uint8Array(data);
      const isWhole = readStreamMessage(message, (at, length) => {
        tell({ kind: 'frame', frame: message.subarray(at, at + length) });
      });
      if (!isWhole) socket.terminate();
    });
  }

  write(relay: RelayId, frame: Uint8Array): void {
    const stream = this.#streams.get(relay);
    if (!stream || stream.socket.readyState !== WebSocket.OPEN) return;
    if (stream.socket.bufferedAmount > MAX_WAITING_BYTES) return void this.#dropped++;
    if (stream.writer.isEmpty) queueMicrotask(() => flush(stream));
    if (stream.writer.add(frame, 0, frame.length)) stream.socket.send(stream.writer.take());
  }

  close(relay: RelayId): void {
    const stream = this.#streams.get(relay);
    if (!stream) return;
    this.#streams.delete(relay);
    flush(stream);
    stream.socket.close();
  }
}

function flush({ socket, writer }: Stream): void {
  if (!writer.isEmpty && socket.readyState === WebSocket.OPEN) socket.send(writer.take());
}

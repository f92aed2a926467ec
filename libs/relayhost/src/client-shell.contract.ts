// For specs and measurements: a RelayClient on a real socket, with real WebSockets and time.

import { randomBytes } from 'node:crypto';
import { generatePrivateKey, nodeCrypto, SipHasher } from '@shadownet/crypto';
import { encodePublicKey, instant, parseIpAddress, type PublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import {
  isRelayFrame,
  readStreamMessage,
  RelayClient,
  type RelayClientOutput,
  type RelayDescription,
  StreamMessageWriter,
} from '@shadownet/relay';
import { openPortableUdp, type UdpSocket } from '@shadownet/udp';
import { WebSocket } from 'ws';

const MIN_WAIT_MS = 10;
const MAX_WAIT_MS = 250;

interface Stream {
  readonly socket: WebSocket;
  readonly writer: StreamMessageWriter;
}

export class ClientShell {
  readonly client: RelayClient;
  readonly publicKey: PublicKey;
  onRelayed: (bytes: Uint8Array, peer: PublicKey) => void = () => {};
  readonly #streams = new Map<string, Stream>();
  readonly #out: RelayClientOutput;
  #tick: NodeJS.Timeout | undefined;

  static async open(privateKey?: Uint8Array): Promise<ClientShell> {
    return new ClientShell(await openPortableUdp({ address: parseIpAddress('127.0.0.1')! }), privateKey);
  }

  constructor(
    readonly udp: UdpSocket,
    secret = generatePrivateKey((length) => Uint8Array.from(randomBytes(length))),
  ) {
    const privateKey = nodeCrypto.privateKey(secret);
    this.publicKey = publicKeyFromBytes(privateKey.publicKey)!;
    this.client = new RelayClient({
      ...{ crypto: nodeCrypto, hasher: new SipHasher(), privateKey },
      random: (length) => Uint8Array.from(randomBytes(length)),
    });
    this.#out = {
      datagram: (bytes, to) => udp.send(bytes, to),
      openStream: (relay, url) => this.#open(relay, url),
      writeStream: (relay, frame) => this.#write(relay, frame),
      closeStream: (relay) => this.#close(relay),
      relayed: (bytes, peer) => this.onRelayed(bytes, peer),
      signal: () => {},
    };
    udp.onDatagram((datagram, from) => {
      if (isRelayFrame(datagram)) this.client.handleDatagram(datagram, from, now(), this.#out);
    });
    this.#look();
  }

  get keyText(): string {
    return encodePublicKey(this.publicKey);
  }

  use(...relays: RelayDescription[]): void {
    this.client.setRelays(relays, now(), this.#out);
  }

  send(relay: string, peer: PublicKey, bytes: Uint8Array): boolean {
    return this.client.send(relay, peer, bytes, now(), this.#out);
  }

  /** Bytes that wait in the process to leave by WebSocket. */
  get buffered(): number {
    return [...this.#streams.values()].reduce((sum, { socket }) => sum + socket.bufferedAmount, 0);
  }

  /** Reads no more from its WebSockets. */
  pauseStreams(): void {
    for (const { socket } of this.#streams.values()) socket.pause();
  }

  flushStreams(): void {
    for (const { socket, writer } of this.#streams.values()) if (!writer.isEmpty) socket.send(writer.take());
  }

  async close(): Promise<void> {
    clearTimeout(this.#tick);
    this.client.close(this.#out);
    await this.udp.close();
  }

  /** Now and then is often enough for a deadline that came nearer meanwhile. */
  #look(): void {
    this.client.handleTimeout(now(), this.#out);
    const wakeup = this.client.pollTimeout();
    const wait = wakeup ? wakeup.at - now() : MAX_WAIT_MS;
    this.#tick = setTimeout(() => this.#look(), Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, wait)));
  }

  #open(relay: string, url: string): void {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const stream = { socket, writer: new StreamMessageWriter() };
    this.#streams.set(relay, stream);
    const isCurrent = (): boolean => this.#streams.get(relay) === stream;
    socket.binaryType = 'arraybuffer';
    socket.on('open', () => isCurrent() && this.client.handleStream(relay, { kind: 'open' }, now(), this.#out));
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!isCurrent()) return;
      this.#streams.delete(relay);
      this.client.handleStream(relay, { kind: 'closed' }, now(), this.#out);
    });
    socket.on('message', (data) => {
      const message = new Uint8Array(data as ArrayBuffer);
      readStreamMessage(message, (at, length) => {
        const frame = message.subarray(at, at + length);
        this.client.handleStream(relay, { kind: 'frame', frame }, now(), this.#out);
      });
    });
  }

  #write(relay: string, frame: Uint8Array): void {
    const stream = this.#streams.get(relay);
    if (!stream) return;
    if (stream.writer.isEmpty) queueMicrotask(() => this.flushStreams());
    if (stream.writer.add(frame, 0, frame.length)) stream.socket.send(stream.writer.take());
  }

  #close(relay: string): void {
    const stream = this.#streams.get(relay);
    this.#streams.delete(relay);
    if (stream && !stream.writer.isEmpty) stream.socket.send(stream.writer.take());
    stream?.socket.close();
  }
}

function now() {
  return instant(performance.now());
}

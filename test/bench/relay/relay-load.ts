// A process that loads a relay: it sends to a peer as fast as it can, or receives. The real client core; by UDP on a socket with
// segmentation offload, as a node's workers would do it, or by WebSocket. It prints what it has received once a second.

import { randomBytes } from 'node:crypto';
import { nodeCrypto, SipHasher } from '@shadownet/crypto';
import {
  MSG_DONTWAIT,
  openOffloadUdpDescriptor,
  packetCalls,
  processArena,
  ReceiveHeader,
  SendHeader,
  watchReadable,
} from '@shadownet/native';
import {
  type Endpoint,
  formatEndpoint,
  instant,
  parseEndpoint,
  parseIpAddress,
  parsePublicKey,
} from '@shadownet/primitives';
import { RelayClient, type RelayClientOutput, type RelayDescription } from '@shadownet/relay';
import { ClientShell } from '@shadownet/relayhost/testing';

export interface LoadOptions {
  readonly transport: 'udp' | 'stream';
  /** Base64 of private keys: the first is the sender or receiver, all others stay connected without traffic. */
  readonly secrets: readonly string[];
  readonly relay: { readonly publicKey: string; readonly udp: string; readonly websocketUrl: string };
  /** The receiver's public key, for a sender. */
  readonly to: string | undefined;
  readonly payloadBytes: number;
}

const RELAY = 'relay';
const FRAMES_PER_TURN = 44;
const MAX_BATCH_BYTES = 65_000;
const BUFFER_BYTES = 4 * 1024 * 1024;
const MAX_WAITING_BYTES = 1024 * 1024;

const options = JSON.parse(process.argv[2]!) as LoadOptions;
const now = () => instant(performance.now());
let receivedBytes = 0;
let receivedFrames = 0;

// Once the classes below are there.
setImmediate(() => void run());

async function run(): Promise<void> {
  const secrets = options.secrets.map((text) => Uint8Array.from(Buffer.from(text, 'base64')));
  const idle: ClientShell[] = [];
  for (const secret of secrets.slice(1)) {
    const shell = await ClientShell.open(secret);
    shell.use(description(options.transport));
    idle.push(shell);
  }
  if (options.transport === 'stream') await runStream(secrets[0]!);
  else runUdp(secrets[0]!);
  let frames = 0;
  let bytes = 0;
  setInterval(() => {
    const idleClients = idle.filter(({ client }) => client.status()[0]?.state === 'up').length;
    const line = { frames: receivedFrames - frames, bytes: receivedBytes - bytes, idleClients };
    [frames, bytes] = [receivedFrames, receivedBytes];
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }, 1000);
}

async function runStream(secret: Uint8Array): Promise<void> {
  const shell = await ClientShell.open(secret);
  shell.onRelayed = count;
  shell.use(description('stream'));
  if (options.to === undefined) return;
  const [to, payload] = [parsePublicKey(options.to)!, data()];
  const turn = (): void => {
    for (let i = 0; i < FRAMES_PER_TURN && shell.buffered < MAX_WAITING_BYTES; i++) {
      if (!shell.send(RELAY, to, payload)) return void setTimeout(turn, 50);
    }
    if (shell.buffered < MAX_WAITING_BYTES) setImmediate(turn);
    else setTimeout(turn, 1);
  };
  turn();
}

function runUdp(secret: Uint8Array): void {
  const socket = new LoadSocket();
  const client = new RelayClient({
    ...{ crypto: nodeCrypto, hasher: new SipHasher(), privateKey: nodeCrypto.privateKey(secret) },
    random: (length) => Uint8Array.from(randomBytes(length)),
  });
  const out: RelayClientOutput = {
    datagram: (bytes, to) => socket.send(bytes, to),
    openStream: () => {},
    writeStream: () => {},
    closeStream: () => {},
    relayed: count,
    signal: () => {},
  };
  client.setRelays([description('udp')], now(), out);
  setInterval(() => {
    client.handleTimeout(now(), out);
    socket.flush();
  }, 20);
  socket.receive((bytes, from) => client.handleDatagram(bytes, from, now(), out));
  if (options.to === undefined) return;
  const [to, payload] = [parsePublicKey(options.to)!, data()];
  const turn = (): void => {
    for (let i = 0; i < FRAMES_PER_TURN; i++) {
      if (!client.send(RELAY, to, payload, now(), out)) return void setTimeout(turn, 50);
    }
    setImmediate(turn);
  };
  turn();
}

/** Collects equal datagrams into one sendmsg, as a node's transmit worker does. */
class LoadSocket {
  readonly #opened = openOffloadUdpDescriptor({
    ...{ port: 0, family: 4, address: parseIpAddress('127.0.0.1')! },
    ...{ receiveBufferBytes: BUFFER_BYTES, sendBufferBytes: BUFFER_BYTES },
  });
  readonly #calls = packetCalls();
  readonly #batch = processArena().allocate(65_536);
  readonly #input = processArena().allocate(65_536);
  readonly #sendHeader = new SendHeader(4);
  readonly #receiveHeader = new ReceiveHeader(4, this.#input.address, 65_535);
  #used = 0;
  #segment = 0;

  send(bytes: Uint8Array, to: Endpoint): void {
    if (this.#used > 0 && (bytes.length !== this.#segment || this.#used + bytes.length > MAX_BATCH_BYTES)) this.flush();
    if (this.#used === 0) {
      this.#segment = bytes.length;
      this.#sendHeader.setDestination(to.address.bytes, to.port);
    }
    this.#batch.bytes.set(bytes, this.#used);
    this.#used += bytes.length;
    if (this.#used / this.#segment >= FRAMES_PER_TURN || bytes.length < 200) this.flush();
  }

  flush(): void {
    if (this.#used === 0) return;
    this.#sendHeader.setPayload(this.#batch.address, this.#used, this.#segment, 0);
    this.#calls.sendmsg(this.#opened.descriptor, this.#sendHeader.address, MSG_DONTWAIT);
    this.#used = 0;
  }

  receive(take: (bytes: Uint8Array, from: Endpoint) => void): void {
    watchReadable(this.#opened.descriptor, () => {
      for (let receives = 0; receives < 32; receives++) {
        const header = this.#receiveHeader;
        header.reset();
        const length = this.#calls.recvmsg(this.#opened.descriptor, header.address, MSG_DONTWAIT);
        if (length < 0) return;
        header.parse();
        const from = header.source();
        const segment = header.segmentSize > 0 ? header.segmentSize : length;
        for (let at = 0; at < length; at += segment) {
          take(this.#input.bytes.subarray(at, Math.min(at + segment, length)), from);
        }
      }
    });
  }
}

function description(transport: LoadOptions['transport']): RelayDescription {
  const { publicKey, udp, websocketUrl } = options.relay;
  const endpoint = parseEndpoint(udp)!;
  if (formatEndpoint(endpoint) !== udp) throw new Error(`endpoint ${udp}`);
  return {
    ...{ id: RELAY, publicKey: parsePublicKey(publicKey)!, ticket: new Uint8Array(0) },
    ...(transport === 'udp' ? { udp: [endpoint], websocketUrl: undefined } : { udp: [], websocketUrl }),
  };
}

function data(): Uint8Array {
  const payload = new Uint8Array(options.payloadBytes);
  payload[0] = 4;
  return payload;
}

function count(bytes: Uint8Array): void {
  receivedFrames++;
  receivedBytes += bytes.length;
}

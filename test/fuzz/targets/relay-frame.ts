// What arrives at a relay and at its clients, from strangers and from where clients are: nothing is forwarded that no client has
// sent, strangers get nothing but challenges that are shorter than what they sent, and the clients reach each other to the end.
import { generatePrivateKey, nodeCrypto, SipHasher } from '@shadownet/crypto';
import {
  addDuration,
  type Endpoint,
  formatEndpoint,
  instant,
  milliseconds,
  parseEndpoint,
  type PublicKey,
  publicKeyFromBytes,
} from '@shadownet/primitives';
import {
  MAX_FRAME_BYTES,
  readStreamMessage,
  RelayClient,
  type RelayClientOutput,
  type RelayLink,
  RelayServer,
  type RelayServerOutput,
} from '@shadownet/relay';
import { type SeededRandom } from '@shadownet/testlab';
import type { FuzzTarget } from '../fuzz-target.js';

const RELAY = parseEndpoint('192.0.2.1:3480')!;
const STRANGER = linkAt(parseEndpoint('203.0.113.9:1000')!);
const PAYLOAD_BYTES = 64;

export const relayFrame: FuzzTarget = {
  name: 'relay-frame',
  inputs: 60_000,
  maxLength: MAX_FRAME_BYTES + 10,
  start(random) {
    const world = new RelayWorld(random);
    const [a, b] = [world.addClient('198.51.100.1:1000'), world.addClient('198.51.100.2:1000')];
    world.connect();
    world.keepsFrames = true;
    a.send(b);
    b.send(a);
    a.client.handleTimeout(world.pass(20_000), a.out);
    world.keepsFrames = false;
    const links = [STRANGER, a.link, b.link];
    return {
      examples: () => world.frames,
      feed(input) {
        world.pass(1);
        const link = links[random.integer(0, links.length - 1)]!;
        if (random.integer(0, 3) === 0) world.receive([a, b][random.integer(0, 1)]!, input.slice());
        else world.deliver(input.slice(), link);
        readStreamMessage(input, (at, length) => {
          if (at + length > input.length) throw new Error('a frame beyond its message');
          world.deliver(input.slice(at, at + length), link);
        });
      },
      finish() {
        for (let i = 0; i < 100; i++) {
          world.pass(100);
          for (const { client, out } of [a, b]) client.handleTimeout(world.now, out);
          a.send(b);
        }
        if (b.received < 2) throw new Error('the clients do not reach each other any more');
      },
    };
  },
};

interface FuzzedClient {
  readonly client: RelayClient;
  readonly publicKey: PublicKey;
  readonly link: RelayLink;
  readonly out: RelayClientOutput;
  received: number;
  send(to: FuzzedClient): void;
}

class RelayWorld {
  now = instant(1000);
  /** While true, what clients send is kept here, and does not arrive. */
  keepsFrames = false;
  readonly frames: Uint8Array[] = [];
  readonly #clients: FuzzedClient[] = [];
  readonly #hasher = new SipHasher();
  readonly #relayKey: PublicKey;
  readonly #server: RelayServer;

  constructor(private readonly random: SeededRandom) {
    const privateKey = this.#newKey();
    this.#relayKey = publicKeyFromBytes(privateKey.publicKey)!;
    const admission = { admit: () => ({ ok: true, network: 'fuzzed' }) as const };
    this.#server = new RelayServer({
      ...{ crypto: nodeCrypto, random: random.bytes, hasher: this.#hasher, privateKey, admission },
      limits: { hellosPerSource: 1_000_000, connectsPerSource: 1_000_000 },
    });
  }

  addClient(at: string): FuzzedClient {
    const privateKey = this.#newKey();
    const { random, now } = this;
    const link = linkAt(parseEndpoint(at)!);
    const client = new RelayClient({ crypto: nodeCrypto, random: random.bytes, hasher: this.#hasher, privateKey });
    const added: FuzzedClient = {
      ...{ client, link, received: 0, publicKey: publicKeyFromBytes(privateKey.publicKey)! },
      send: (to) => client.send('relay', to.publicKey, payload(), this.now, added.out),
      out: {
        datagram: (bytes, to) => {
          if (formatEndpoint(to) !== formatEndpoint(RELAY)) throw new Error('a client sends elsewhere');
          if (this.keepsFrames) this.frames.push(bytes.slice());
          else this.deliver(bytes.slice(), link);
        },
        openStream: () => {},
        writeStream: () => {},
        closeStream: () => {},
        relayed: (bytes) => {
          if (!isPayload(bytes)) throw new Error('a payload that nobody has sent');
          added.received++;
        },
        signal: () => {
          throw new Error('a signal that nobody has sent');
        },
      },
    };
    this.#clients.push(added);
    const ticket = new Uint8Array(0);
    const relay = { id: 'relay', publicKey: this.#relayKey, udp: [RELAY], websocketUrl: undefined, ticket };
    client.setRelays([relay], now, added.out);
    return added;
  }

  connect(): void {
    for (let i = 0; i < 20; i++) {
      this.pass(100);
      for (const { client, out } of this.#clients) client.handleTimeout(this.now, out);
    }
    if (this.#server.clients !== this.#clients.length) throw new Error('the clients did not connect');
  }

  pass(ms: number) {
    this.now = addDuration(this.now, milliseconds(ms));
    this.#server.handleTimeout(this.now, this.#output());
    return this.now;
  }

  /** A datagram arrives at the relay. */
  deliver(bytes: Uint8Array, from: RelayLink): void {
    this.#server.handle(bytes, 0, bytes.length, from, this.now, this.#output(from, bytes.length));
  }

  /** A datagram arrives at a client, as if from the relay. */
  receive({ client, out }: FuzzedClient, bytes: Uint8Array): void {
    client.handleDatagram(bytes, RELAY, this.now, out);
  }

  #output(from?: RelayLink, length = 0): RelayServerOutput {
    return {
      send: (bytes, at, size, to) => {
        if (to === STRANGER && (from !== STRANGER || size >= length)) throw new Error('too much for a stranger');
        const client = this.#clients.find(({ link }) => link === to);
        if (client) this.receive(client, bytes.slice(at, at + size));
      },
      close: () => {},
    };
  }

  #newKey() {
    return nodeCrypto.privateKey(generatePrivateKey(this.random.bytes));
  }
}

function linkAt(endpoint: Endpoint): RelayLink {
  return { kind: 'udp', id: formatEndpoint(endpoint), endpoint };
}

/** A data message of WireGuard, by its looks. */
function payload(): Uint8Array {
  const bytes = new Uint8Array(PAYLOAD_BYTES).fill(0x5a);
  bytes.set([4, 0, 0, 0]);
  return bytes;
}

function isPayload(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, payload()) === 0;
}

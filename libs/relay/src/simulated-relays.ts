// Relays and clients on a simulated clock: UDP with delay and loss, WebSockets as ordered streams, NAT rebinding. For the specs
// of this lib.

import { generatePrivateKey, nodeCrypto, type PrivateKey, type RandomBytes, SipHasher } from '@shadownet/crypto';
import {
  encodePublicKey,
  type Endpoint,
  endpoint,
  formatEndpoint,
  type Instant,
  instant,
  parseIpAddress,
  type PublicKey,
  publicKeyFromBytes,
} from '@shadownet/primitives';
import { RelayClient, type RelayClientOptions } from './client/relay-client.js';
import type { RelayClientOutput, RelayDescription, RelayEvent } from './client/relay-client-types.js';
import type { Admission } from './server/admission.js';
import type { RelayLink } from './server/relay-link.js';
import { RelayServer, type RelayServerOptions } from './server/relay-server.js';

const hasher = new SipHasher();

type ClientOptions = Pick<RelayClientOptions, 'lastTransport' | 'sessions'>;

export class SimulatedClient {
  readonly client: RelayClient;
  readonly publicKey: PublicKey;
  readonly received: { bytes: Uint8Array; peer: PublicKey; relay: string; at: number }[] = [];
  readonly signals: { bytes: Uint8Array; peer: PublicKey }[] = [];
  readonly events: RelayEvent[] = [];
  endpoint: Endpoint;
  udpBlocked = false;
  readonly streams = new Map<string, RelayLink>();
  readonly out: RelayClientOutput;
  /** Takes what comes by UDP, unless packet workers do. */
  receive = (bytes: Uint8Array, from: Endpoint): void => {
    this.client.handleDatagram(bytes, from, this.world.now, this.out);
  };

  constructor(
    readonly world: SimulatedRelays,
    readonly privateKey: PrivateKey,
    from: Endpoint,
    options: ClientOptions = {},
  ) {
    this.endpoint = from;
    this.publicKey = publicKeyFromBytes(privateKey.publicKey)!;
    this.client = new RelayClient({ crypto: nodeCrypto, random: world.random, hasher, privateKey, ...options });
    this.out = {
      datagram: (bytes, to) => world.toRelay(this, bytes.slice(), to),
      openStream: (relay) => world.openStream(this, relay),
      writeStream: (relay, frame) => world.streamToRelay(this, relay, frame.slice()),
      closeStream: (relay) => world.closeStream(this, relay),
      relayed: (bytes, peer, relay) => this.received.push({ bytes: bytes.slice(), peer, relay, at: world.now }),
      signal: (bytes, peer) => this.signals.push({ bytes: bytes.slice(), peer }),
    };
  }

  send(relay: string, peer: SimulatedClient, bytes: Uint8Array): boolean {
    const sent = this.client.send(relay, peer.publicKey, bytes, this.world.now, this.out);
    this.world.collect(this);
    return sent;
  }

  /** The NAT gives it another port. */
  rebind(): void {
    this.endpoint = endpoint(this.endpoint.address, this.endpoint.port + 1000);
  }
}

export interface SimulatedRelay {
  readonly id: string;
  server: RelayServer | undefined;
  readonly endpoint: Endpoint;
  readonly privateKey: PrivateKey;
  readonly description: RelayDescription;
  delay: number;
}

export class SimulatedRelays {
  now: Instant = instant(1000);
  readonly relays = new Map<string, SimulatedRelay>();
  readonly clients: SimulatedClient[] = [];
  /** Everything that went over UDP: for those who listen. */
  readonly wire: { readonly bytes: Uint8Array; readonly from: Endpoint; readonly to: Endpoint }[] = [];
  /** True drops a datagram. */
  loses: (bytes: Uint8Array) => boolean = () => false;
  readonly #queue: { at: number; order: number; run: () => void }[] = [];
  #order = 0;
  #streams = 0;

  constructor(
    readonly random: RandomBytes,
    private readonly admission: Admission = { admit: () => ({ ok: true, network: 'test' }) },
  ) {}

  addRelay(
    id: string,
    { delay = 10, stream = false, ...options }: { delay?: number; stream?: boolean } & Partial<RelayServerOptions> = {},
  ): SimulatedRelay {
    const privateKey = nodeCrypto.privateKey(generatePrivateKey(this.random));
    const at = endpoint(parseIpAddress(`192.0.2.${this.relays.size + 1}`)!, 3478);
    const description: RelayDescription = {
      ...{ id, udp: [at], ticket: new Uint8Array(0) },
      publicKey: publicKeyFromBytes(privateKey.publicKey)!,
      websocketUrl: stream ? `ws://${id}/relay/v1` : undefined,
    };
    const relay: SimulatedRelay = { id, endpoint: at, privateKey, description, delay, server: undefined };
    this.relays.set(id, relay);
    this.startRelay(relay, options);
    return relay;
  }

  /** A new process: nothing is known to it. */
  startRelay(relay: SimulatedRelay, options: Partial<RelayServerOptions> = {}): void {
    const { random, admission } = this;
    const { privateKey } = relay;
    relay.server = new RelayServer({ crypto: nodeCrypto, random, hasher, privateKey, admission, ...options });
  }

  addClient(options: ClientOptions = {}): SimulatedClient {
    const host = this.clients.length + 1;
    const address = parseIpAddress(`198.51.${host >> 8}.${host & 0xff}`)!;
    const key = nodeCrypto.privateKey(generatePrivateKey(this.random));
    const client = new SimulatedClient(this, key, endpoint(address, 40_000), options);
    this.clients.push(client);
    return client;
  }

  /** A client that knows all relays, and has had the time to connect to its home. */
  connectedClient(): SimulatedClient {
    const client = this.addClient();
    this.know(client);
    this.run(1000);
    return client;
  }

  know(client: SimulatedClient): void {
    client.client.setRelays(
      [...this.relays.values()].map(({ description }) => description),
      this.now,
      client.out,
    );
    this.collect(client);
  }

  /** Lets so many ms pass. */
  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next > end) break;
      this.now = instant(Math.max(this.now, next));
      this.#step();
    }
    this.now = instant(end);
  }

  toRelay(client: SimulatedClient, bytes: Uint8Array, to: Endpoint): void {
    if (client.udpBlocked || this.loses(bytes)) return;
    const from = client.endpoint;
    this.wire.push({ bytes, from, to });
    const relay = [...this.relays.values()].find((each) => formatEndpoint(each.endpoint) === formatEndpoint(to));
    if (relay) this.#later(relay.delay, () => this.deliver(relay, bytes.slice(), from));
  }

  /** Anybody's datagram arrives at a relay. */
  deliver(relay: SimulatedRelay, bytes: Uint8Array, from: Endpoint): void {
    this.#toServer(relay, bytes, { kind: 'udp', id: formatEndpoint(from), endpoint: from });
  }

  openStream(client: SimulatedClient, id: string): void {
    const link: RelayLink = { kind: 'stream', id: `stream ${++this.#streams}`, endpoint: client.endpoint };
    const relay = this.relays.get(id)!;
    client.streams.set(id, link);
    this.#later(2 * relay.delay, () => {
      if (client.streams.get(id) !== link) return;
      client.client.handleStream(id, { kind: relay.server ? 'open' : 'closed' }, this.now, client.out);
      this.collect(client);
    });
  }

  streamToRelay(client: SimulatedClient, id: string, bytes: Uint8Array): void {
    const link = client.streams.get(id)!;
    const relay = this.relays.get(id)!;
    this.#later(relay.delay, () => this.#toServer(relay, bytes, link));
  }

  closeStream(client: SimulatedClient, id: string): void {
    const link = client.streams.get(id);
    client.streams.delete(id);
    if (link) this.relays.get(id)!.server?.handleClosed(link);
  }

  collect({ client, events }: SimulatedClient): void {
    for (let event = client.pollEvent(); event; event = client.pollEvent()) events.push(event);
  }

  #toServer(relay: SimulatedRelay, bytes: Uint8Array, link: RelayLink): void {
    relay.server?.handle(bytes, 0, bytes.length, link, this.now, this.output(relay));
  }

  /** What a relay sends goes to its clients. */
  output(relay: SimulatedRelay) {
    return {
      send: (bytes: Uint8Array, at: number, length: number, to: RelayLink) =>
        this.#toClient(relay, bytes.slice(at, at + length), to),
      close: (link: RelayLink) => {
        if (link.kind === 'stream') this.#later(relay.delay, () => this.#streamClosed(relay, link));
      },
    };
  }

  #toClient(relay: SimulatedRelay, bytes: Uint8Array, to: RelayLink): void {
    if (to.kind === 'stream') {
      return this.#later(relay.delay, () => {
        const client = this.clients.find(({ streams }) => streams.get(relay.id) === to);
        client?.client.handleStream(relay.id, { kind: 'frame', frame: bytes }, this.now, client.out);
        if (client) this.collect(client);
      });
    }
    if (this.loses(bytes)) return;
    this.wire.push({ bytes, from: relay.endpoint, to: to.endpoint });
    this.#later(relay.delay, () => {
      const client = this.clients.find((each) => formatEndpoint(each.endpoint) === to.id);
      if (!client || client.udpBlocked) return;
      client.receive(bytes, relay.endpoint);
      this.collect(client);
    });
  }

  #streamClosed(relay: SimulatedRelay, link: RelayLink): void {
    const client = this.clients.find(({ streams }) => streams.get(relay.id) === link);
    if (!client) return;
    client.streams.delete(relay.id);
    client.client.handleStream(relay.id, { kind: 'closed' }, this.now, client.out);
    this.collect(client);
  }

  #later(ms: number, run: () => void): void {
    this.#queue.push({ at: this.now + ms, order: this.#order++, run });
  }

  #next(): number | undefined {
    const times = [
      ...this.#queue.map(({ at }) => at),
      ...this.clients.map(({ client }) => client.pollTimeout()?.at),
      ...[...this.relays.values()].map(({ server }) => server?.pollTimeout()?.at),
    ].filter((at) => at !== undefined);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #step(): void {
    this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
    while (this.#queue[0] && this.#queue[0].at <= this.now) this.#queue.shift()!.run();
    for (const relay of this.relays.values()) relay.server?.handleTimeout(this.now, this.output(relay));
    for (const client of this.clients) {
      client.client.handleTimeout(this.now, client.out);
      this.collect(client);
    }
  }
}

export function keyText(client: SimulatedClient): string {
  return encodePublicKey(client.publicKey);
}

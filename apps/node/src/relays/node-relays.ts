// The shell around the relay client: its datagrams go by the node's one UDP socket, its streams are WebSockets, and what peers
// send through relays reaches the tunnel as if it had come by a path of its own. Decides at which relay each peer is spoken to.

import type { Peer, Relay } from '@shadownet/contracts';
import {
  addDuration,
  durationBetween,
  assertNever,
  type Endpoint,
  encodePublicKey,
  formatEndpoint,
  type Instant,
  milliseconds,
  parsePublicKey,
  type PublicKey,
  type PublicKeyText,
  type RelayPath,
  relayPath,
  seconds,
  type Wakeup,
} from '@shadownet/primitives';
import {
  MAX_PAYLOAD_BYTES,
  RelayClient,
  type RelayClientOptions,
  type RelayClientOutput,
  type RelayEvent,
  type RelayId,
  type RelayStatus,
  type RelayTransport,
} from '@shadownet/relay';
import type { RelayRoutes } from '@shadownet/wireguard';
import type { NodeLog } from '../runtime/node-log.js';
import { HeldDatagrams } from './held-datagrams.js';
import { PeerRelays } from './peer-relays.js';
import { RelayDirectory } from './relay-directory.js';
import { RelayStreams } from './relay-streams.js';

export interface NodeRelaysOptions extends RelayClientOptions {
  readonly control: URL;
  readonly families: readonly (4 | 6)[];
  readonly log: NodeLog;
  readonly now: () => Instant;
  /** A frame for a relay, by the node's one UDP socket. */
  readonly sendDatagram: (bytes: Uint8Array, to: Endpoint) => void;
  /** From where such frames come from now on. */
  readonly onEndpoints: (endpoints: readonly Endpoint[]) => void;
  /** A WireGuard message or a probe of a peer. Not called from inside `send`. */
  readonly onRelayed: (bytes: Uint8Array, path: RelayPath) => void;
  /** What packet workers have to know of relays may have changed. Not called from inside `send`. */
  readonly onRoutesChanged: (routes: RelayRoutes) => void;
  readonly onPeerRelay: (peer: PublicKey, relay: RelayId | undefined) => void;
  /** A relay was reached in this way. */
  readonly onTransport: (transport: RelayTransport) => void;
  /** A relay knows where we are after it may not have. */
  readonly onRenewed: () => void;
  /** Others have to be told where we can be reached. */
  readonly onHomeChanged: () => void;
}

/** Many paths fail in the same moment. */
const PROOF_INTERVAL = seconds(2);
/** How often it is tried again to reach a peer that something is held for: as often as the client asks the relay for it. */
const RETRY_INTERVAL = milliseconds(250);

export class NodeRelays {
  readonly #options: NodeRelaysOptions;
  readonly #client: RelayClient;
  readonly #directory: RelayDirectory;
  readonly #streams: RelayStreams;
  readonly #output: RelayClientOutput;
  readonly #peers = new PeerRelays();
  readonly #held = new HeldDatagrams();
  /** What came in during a call of the client, which must not be called from inside it. */
  readonly #arrived: { readonly bytes: Uint8Array; readonly path: RelayPath }[] = [];
  readonly #counters = { sent: 0, received: 0, unreachable: 0, strayFrames: 0 };
  #announced: readonly Relay[] = [];
  readonly #routes: RelayRoutes;
  #routeChanges = 0;
  #listings = 0;
  #provedAt: Instant | undefined;
  #lastHealth = '';
  #endpoints = '';
  #settling: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: NodeRelaysOptions) {
    this.#options = options;
    this.#client = new RelayClient(options);
    this.#routes = {
      routeOf: ({ relay, peer }) => this.#client.routeTo(relay, peer),
      pathOf: ({ session, channel }) => {
        const origin = this.#client.originOf(session, channel);
        return origin && relayPath(origin.relay, origin.peer);
      },
    };
    this.#directory = new RelayDirectory(options.control, options.families);
    this.#streams = new RelayStreams((relay, event) => {
      this.#run((client, now, out) => client.handleStream(relay, event, now, out));
    });
    this.#output = {
      datagram: options.sendDatagram,
      openStream: (relay, url) => this.#streams.open(relay, url),
      writeStream: (relay, frame) => this.#streams.write(relay, frame),
      closeStream: (relay) => this.#streams.close(relay),
      relayed: (bytes, peer, relay) => {
        this.#arrived.push({ bytes: bytes.slice(), path: relayPath(relay, peer) });
      },
      // Calls travel as probes, which the peers authenticate themselves.
      signal: () => {},
    };
  }

  // ── What the control server says ──────────────────────────────────────────────────────────────────────────────────

  /** All relays of the network, with fresh tickets. */
  async setRelays(relays: readonly Relay[]): Promise<void> {
    this.#announced = relays;
    const listing = ++this.#listings;
    const described = await this.#directory.describe(relays);
    // A later list overtakes one whose names took long to resolve.
    if (listing !== this.#listings || this.#closed) return;
    this.#tellEndpoints(described.flatMap(({ udp }) => udp));
    this.#run((client, now, out) => client.setRelays(described, now, out));
  }

  /** The peers of the map, and where they are at home. */
  setPeers(peers: readonly Peer[]): void {
    this.#peers.setHomes(new Map(peers.map((peer) => [peer.public_key, peer.home_relay ?? undefined])));
    this.#choosePeerRelays();
  }

  // ── Traffic ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends to a peer, or keeps it for up to two seconds if the peer cannot be reached yet. Never throws. */
  send(bytes: Uint8Array, path: RelayPath): void {
    if (this.#closed) return;
    const now = this.#options.now();
    const fits = bytes.length <= MAX_PAYLOAD_BYTES;
    const leavesOrWaits = fits && (this.#trySend(path, bytes, now) || this.#held.hold(path, bytes, now));
    if (!leavesOrWaits) this.#counters.unreachable++;
    this.#settleSoon();
  }

  /** A datagram that has the looks of a relay's frame. */
  handleDatagram(bytes: Uint8Array, from: Endpoint): void {
    const isOurs = this.#run((client, now, out) => client.handleDatagram(bytes, from, now, out));
    if (!isOurs) this.#counters.strayFrames++;
  }

  /** Packet workers may have sent or received: what is silent, or not needed any more, is judged by that, too. */
  noteWorkerTraffic(): void {
    if (!this.#closed && this.#client.noteWorkerTraffic()) this.#settleSoon();
  }

  /** The network has changed. */
  refresh(): void {
    if (this.#announced.length > 0) void this.setRelays(this.#announced);
    this.#run((client, now, out) => client.refresh(now, out));
  }

  /** Our address may have changed: it is proved anew, to those relays that are in use. Does nothing if that was a moment ago. */
  proveAddress(): void {
    const now = this.#options.now();
    if (this.#provedAt !== undefined && durationBetween(this.#provedAt, now) < PROOF_INTERVAL) return;
    this.#provedAt = now;
    this.#run((client, now, out) => client.refresh(now, out));
  }

  // ── Status ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The relay to announce. */
  get home(): RelayId | undefined {
    return this.#client.home;
  }

  status(): RelayStatus[] {
    return this.#client.status();
  }

  /** By name, those that are not zero. */
  counters(): Record<string, number> {
    const { sent, received, unreachable, strayFrames } = this.#counters;
    const all = {
      'relay-datagrams-sent': sent,
      'relay-datagrams-received': received,
      'relay-peer-unreachable': unreachable,
      'relay-frame-unexpected': strayFrames,
      'relay-stream-full': this.#streams.dropped,
    };
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
  }

  /** Says goodbye to the relays. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearImmediate(this.#settling);
    clearTimeout(this.#timer);
    this.#client.close(this.#output);
    this.#followRoutes();
    this.#held.clear();
  }

  #tellEndpoints(endpoints: readonly Endpoint[]): void {
    const text = endpoints.map(formatEndpoint).join();
    if (text === this.#endpoints) return;
    this.#endpoints = text;
    this.#options.onEndpoints(endpoints);
  }

  // ── The client ────────────────────────────────────────────────────────────────────────────────────────────────────

  #run<T>(action: (client: RelayClient, now: Instant, out: RelayClientOutput) => T): T | undefined {
    if (this.#closed) return undefined;
    const result = action(this.#client, this.#options.now(), this.#output);
    this.#deliver();
    this.#settleSoon();
    return result;
  }

  #trySend(path: RelayPath, bytes: Uint8Array, now: Instant): boolean {
    const hasLeft = this.#client.send(path.relay, path.peer, bytes, now, this.#output);
    if (hasLeft) this.#counters.sent++;
    return hasLeft;
  }

  #deliver(): void {
    for (let next = this.#arrived.shift(); next; next = this.#arrived.shift()) {
      const { bytes, path } = next;
      this.#counters.received++;
      if (this.#peers.heard(encodePublicKey(path.peer), path.relay)) this.#choosePeerRelays();
      this.#options.onRelayed(bytes, path);
    }
  }

  #settleSoon(): void {
    if (this.#closed) return;
    this.#settling ??= setImmediate(() => {
      this.#settling = undefined;
      this.#settle();
    });
  }

  #settle(): void {
    const now = this.#options.now();
    let hasNews = false;
    for (let event = this.#client.pollEvent(); event; event = this.#client.pollEvent()) {
      hasNews = true;
      this.#onEvent(event);
    }
    if (hasNews) this.#retryHeld(now);
    this.#followRoutes();
    this.#followHealth();
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const wakeup = this.#nextWakeup(now);
    if (wakeup) this.#timer = setTimeout(() => this.#onTimer(), Math.max(0, Math.ceil(wakeup.at - now)));
  }

  #nextWakeup(now: Instant): Wakeup | undefined {
    const ofClient = this.#client.pollTimeout();
    if (this.#held.isEmpty) return ofClient;
    const retry = { at: addDuration(now, RETRY_INTERVAL), reason: 'relay: held datagrams' };
    return ofClient && ofClient.at < retry.at ? ofClient : retry;
  }

  #onTimer(): void {
    this.#run((client, now, out) => client.handleTimeout(now, out));
    this.#retryHeld(this.#options.now());
  }

  #retryHeld(now: Instant): void {
    this.#held.retry((path, bytes) => this.#trySend(path, bytes, now), now);
  }

  #onEvent(event: RelayEvent): void {
    const { log, onHomeChanged, onRenewed, onTransport } = this.#options;
    switch (event.kind) {
      case 'home-changed':
        log.event('home-relay', { relay: event.relay ?? null });
        return onHomeChanged();
      case 'relay-up':
        log.event('relay-up', { relay: event.relay, transport: event.transport });
        return onTransport(event.transport);
      case 'relay-renewed':
        return onRenewed();
      case 'relay-down':
        return log.event('relay-down', { relay: event.relay, reason: event.reason });
      case 'peer-present':
        return;
      case 'peer-absent':
        return this.#takeBack(event);
      default:
        assertNever(event);
    }
  }

  /** A peer that has just come up may be there in a moment. */
  #takeBack({ relay, peer, unsent }: Extract<RelayEvent, { kind: 'peer-absent' }>): void {
    for (const bytes of unsent) {
      this.#counters.sent--;
      if (!this.#held.hold(relayPath(relay, peer), bytes, this.#options.now())) this.#counters.unreachable++;
    }
  }

  #followRoutes(): void {
    const { routeChanges } = this.#client;
    if (routeChanges === this.#routeChanges) return;
    this.#routeChanges = routeChanges;
    this.#options.onRoutesChanged(this.#routes);
  }

  /** Looks at the peers only if something has become of a relay. */
  #followHealth(): void {
    const health = this.#client
      .status()
      .map(({ id, health, isHome }) => `${id} ${health} ${String(isHome)}`)
      .join();
    if (health === this.#lastHealth) return;
    this.#lastHealth = health;
    this.#choosePeerRelays();
  }

  #choosePeerRelays(): void {
    const health = new Map(this.#client.status().map((relay) => [relay.id, relay.health]));
    const changes = this.#peers.choose((relay) => health.get(relay), this.#client.home);
    for (const [key, relay] of changes) this.#options.onPeerRelay(parsePublicKey(key as PublicKeyText)!, relay);
  }
}

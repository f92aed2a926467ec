// A node's relays: a home, where peers send to it, and visits to the homes of the peers it sends to (docs/relay.md). Sans-IO,
// for the tunnel of libs/tunnel or a test.

import type { CryptoProvider, PrivateKey, RandomBytes, SipHasher } from '@shadownet/crypto';
import {
  addDuration,
  earliestWakeup,
  type Endpoint,
  endpointsEqual,
  formatEndpoint,
  type Instant,
  type PublicKey,
  publicKeyFromBytes,
  publicKeysEqual,
  type Wakeup,
} from '@shadownet/primitives';
import { HOME_CHOICE_DELAY, MAX_PAYLOAD_BYTES, MAX_SIGNAL_BYTES, VISIT_TIME } from '../constants.js';
import { FrameType, isRelayFrame } from '../frame.js';
import { deriveStaticKeys } from '../session-keys.js';
import type { RelaySessionRef, RelaySessionTable } from '../session-table.js';
import { chooseHome } from './home-choice.js';
import type {
  RelayClientOutput,
  RelayDescription,
  RelayEvent,
  RelayId,
  RelayRoute,
  RelayStatus,
  RelayTransport,
} from './relay-client-types.js';
import { RelayEntry } from './relay-entry.js';

export interface RelayClientOptions {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  readonly hasher: SipHasher;
  readonly privateKey: PrivateKey;
  /** By which a relay was reached last, before this client; none if that is not known. */
  readonly lastTransport?: RelayTransport;
  /** Where packet workers find the sessions by UDP, of which they then check all frames. */
  readonly sessions?: RelaySessionTable | undefined;
}

export type StreamEvent =
  { readonly kind: 'open' } | { readonly kind: 'frame'; readonly frame: Uint8Array } | { readonly kind: 'closed' };

export class RelayClient {
  readonly #options: RelayClientOptions;
  readonly #publicKey: PublicKey;
  readonly #entries = new Map<RelayId, RelayEntry>();
  readonly #byEndpoint = new Map<string, RelayEntry>();
  readonly #events: RelayEvent[] = [];
  #home: RelayId | undefined;
  /** Told to others: the last home that was connected. */
  #announced: RelayId | undefined;
  #chooseAt: Instant | undefined;
  #lastTransport: RelayTransport | undefined;
  /** Rises when what `routeTo` and `originOf` say may have changed. */
  routeChanges = 0;

  constructor(options: RelayClientOptions) {
    this.#options = options;
    this.#lastTransport = options.lastTransport;
    this.#publicKey = publicKeyFromBytes(options.privateKey.publicKey)!;
  }

  /** All relays there are; those that are known and unchanged go on. */
  setRelays(relays: readonly RelayDescription[], now: Instant, out: RelayClientOutput): void {
    for (const [id, entry] of this.#entries) {
      const next = relays.find((relay) => relay.id === id);
      if (next && sameRelay(next, entry.description)) entry.description = next;
      else {
        entry.disconnect('removed', out);
        this.#entries.delete(id);
      }
    }
    for (const relay of relays) if (!this.#entries.has(relay.id)) this.#add(relay, now);
    this.#byEndpoint.clear();
    for (const entry of this.#entries.values()) {
      for (const each of entry.description.udp) this.#byEndpoint.set(formatEndpoint(each), entry);
    }
    this.#chooseAt ??= addDuration(now, HOME_CHOICE_DELAY);
    this.handleTimeout(now, out);
  }

  /**
   * Sends a WireGuard message or a probe to `peer` at `relay`. False if it can not leave: the relay is being connected to, or
   * says that the peer is not there. It may wait for up to a second until the relay has said which channel the peer has.
   * Throws RangeError beyond MAX_PAYLOAD_BYTES.
   */
  send(relay: RelayId, peer: PublicKey, bytes: Uint8Array, now: Instant, out: RelayClientOutput): boolean {
    if (bytes.length > MAX_PAYLOAD_BYTES) throw new RangeError(`a payload of ${bytes.length} bytes`);
    return this.#entries.get(relay)?.send(peer, bytes, FrameType.data, now, out) ?? false;
  }

  /** Like `send`, for what is not kept; 1…MAX_SIGNAL_BYTES bytes. */
  sendSignal(relay: RelayId, peer: PublicKey, bytes: Uint8Array, now: Instant, out: RelayClientOutput): boolean {
    if (bytes.length === 0 || bytes.length > MAX_SIGNAL_BYTES)
      throw new RangeError(`a signal of ${bytes.length} bytes`);
    return this.#entries.get(relay)?.send(peer, bytes, FrameType.signal, now, out) ?? false;
  }

  // ── Packet workers ────────────────────────────────────────────────────────────────────────────────────────────────

  /** How packet workers reach a peer at a relay; `undefined` if only the client can, or nobody. */
  routeTo(relay: RelayId, peer: PublicKey): RelayRoute | undefined {
    return this.#entries.get(relay)?.routeTo(peer);
  }

  /** At which relay a worker received from whom, if the session is still ours. */
  originOf(
    session: RelaySessionRef,
    channel: number,
  ): { readonly relay: RelayId; readonly peer: PublicKey } | undefined {
    for (const [relay, entry] of this.#entries) {
      const peer = entry.peerAt(session, channel);
      if (peer) return { relay, peer };
    }
    return undefined;
  }

  /** Takes note of what packet workers sent and received; true if that was anything, and deadlines may have changed. */
  noteWorkerTraffic(): boolean {
    let any = false;
    for (const entry of this.#entries.values()) if (entry.noteWorkerTraffic()) any = true;
    return any;
  }

  // ── What comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** True if the datagram came from a relay of ours. */
  handleDatagram(datagram: Uint8Array, from: Endpoint, now: Instant, out: RelayClientOutput): boolean {
    const entry = isRelayFrame(datagram) ? this.#byEndpoint.get(formatEndpoint(from)) : undefined;
    if (!entry) return false;
    const { changes } = entry;
    entry.handleDatagram(datagram, from, now, out);
    if (entry.changes !== changes) this.#settle(now, out);
    return true;
  }

  /** What happens on the WebSocket that `openStream` asked for. */
  handleStream(relay: RelayId, event: StreamEvent, now: Instant, out: RelayClientOutput): void {
    const entry = this.#entries.get(relay);
    if (!entry) return;
    const { changes } = entry;
    if (event.kind === 'open') entry.handleStreamOpen(now, out);
    else if (event.kind === 'closed') entry.handleStreamClosed(now, out);
    else if (isRelayFrame(event.frame)) entry.handleStreamFrame(event.frame, now, out);
    if (event.kind === 'closed' || entry.changes !== changes) this.#settle(now, out);
  }

  /** The network has changed: every address is proved anew. */
  refresh(now: Instant, out: RelayClientOutput): void {
    for (const entry of this.#entries.values()) entry.refresh(now, out);
    this.#settle(now, out);
  }

  close(out: RelayClientOutput): void {
    for (const entry of this.#entries.values()) entry.disconnect('removed', out);
    this.#entries.clear();
    this.#byEndpoint.clear();
    this.#chooseAt = undefined;
  }

  handleTimeout(now: Instant, out: RelayClientOutput): void {
    for (const entry of this.#entries.values()) {
      entry.handleTimeout(now, out);
      const isVisit = entry.description.id !== this.#home && entry.description.id !== this.#announced;
      if (isVisit && entry.state === 'up' && now >= addDuration(entry.usedAt, VISIT_TIME)) {
        entry.disconnect('not-needed', out);
      }
    }
    this.#settle(now, out);
  }

  pollTimeout(): Wakeup | undefined {
    const wakeups: (Wakeup | undefined)[] = [];
    if (this.#home === undefined && this.#chooseAt !== undefined && this.#entries.size > 0) {
      wakeups.push({ at: this.#chooseAt, reason: 'choice of the home relay' });
    }
    for (const entry of this.#entries.values()) {
      wakeups.push(entry.pollTimeout());
      const { id } = entry.description;
      if (entry.state === 'up' && id !== this.#home && id !== this.#announced) {
        wakeups.push({ at: addDuration(entry.usedAt, VISIT_TIME), reason: 'end of a relay visit' });
      }
    }
    return earliestWakeup(...wakeups);
  }

  pollEvent(): RelayEvent | undefined {
    return this.#events.shift();
  }

  /** The relay to announce: the last home that was connected. */
  get home(): RelayId | undefined {
    return this.#announced;
  }

  status(): RelayStatus[] {
    return [...this.#entries.values()].map((entry) => ({
      id: entry.description.id,
      isHome: entry.description.id === this.#announced,
      state: entry.state,
      health: entry.health,
      transport: entry.transport,
      rtt: entry.rtt,
      lastFailure: entry.lastFailure,
    }));
  }

  /** Chooses the home, keeps it connected, and announces it once it is: the former one is left only then. */
  #settle(now: Instant, out: RelayClientOutput): void {
    if (this.#chooseAt === undefined || (now < this.#chooseAt && !this.#hasWeighed)) return;
    this.#home = chooseHome(
      this.#home,
      [...this.#entries.values()].map((entry) => ({ id: entry.description.id, state: entry.health, rtt: entry.rtt })),
    );
    const home = this.#home === undefined ? undefined : this.#entries.get(this.#home);
    home?.connect(now, out);
    const isGone = this.#announced !== undefined && !this.#entries.has(this.#announced);
    if (home?.state === 'up' || isGone) this.#announce(home?.state === 'up' ? this.#home : undefined);
  }

  /** There is nothing to choose from, or nothing to wait for. */
  get #hasWeighed(): boolean {
    return this.#entries.size === 1 || [...this.#entries.values()].every(({ rtt }) => rtt !== undefined);
  }

  #announce(relay: RelayId | undefined): void {
    if (relay === this.#announced) return;
    this.#announced = relay;
    this.#events.push({ kind: 'home-changed', relay });
  }

  #add(relay: RelayDescription, now: Instant): void {
    const shared = this.#options.privateKey.sharedSecret(relay.publicKey);
    if (!shared) return;
    const { crypto, random, hasher, sessions } = this.#options;
    const keys = deriveStaticKeys(crypto, shared, this.#publicKey, relay.publicKey);
    const emit = (event: RelayEvent): void => {
      if (event.kind === 'relay-up') this.#lastTransport = event.transport;
      this.#events.push(event);
    };
    const lastTransport = (): RelayTransport | undefined => this.#lastTransport;
    const onRoutesChanged = (): void => void this.routeChanges++;
    const options = { crypto, random, hasher, sessions, keys, emit, lastTransport, onRoutesChanged };
    this.#entries.set(relay.id, new RelayEntry(relay, options, now));
  }
}

function sameRelay(a: RelayDescription, b: RelayDescription): boolean {
  return (
    publicKeysEqual(a.publicKey, b.publicKey) &&
    a.websocketUrl === b.websocketUrl &&
    a.udp.length === b.udp.length &&
    a.udp.every((endpoint, i) => endpointsEqual(endpoint, b.udp[i]!))
  );
}

// Learns under which addresses the node's own socket appears to the internet (server-reflexive candidates), by asking
// STUN servers (RFC 8489 Binding) from that very socket and asking again while the NAT's mapping lives. Used by libs/tunnel.

import type { RandomBytes } from '@shadownet/crypto';
import {
  addDuration,
  assertNever,
  type Duration,
  earliestWakeup,
  type Endpoint,
  endpointsEqual,
  formatEndpoint,
  type Instant,
  seconds,
  udpPath,
  type Wakeup,
} from '@shadownet/primitives';
import {
  encodeStunMessage,
  INITIAL_RETRANSMISSION_TIMEOUT,
  mappedEndpoint,
  type StunMessage,
  StunTransaction,
  TRANSACTION_ID_BYTES,
  unknownRequiredTypes,
} from '@shadownet/stun';
import { jittered } from './jitter.js';
import type { PathOutput } from './path-output.js';

/** NATs may forget a UDP mapping after 30 s (RFC 4787 REQ-5 asks for 2 min, many don't); asking refreshes it, too. */
export const REFRESH_INTERVAL: readonly [Duration, Duration] = [seconds(20), seconds(25)];

/** Two tell whether the NAT's mapping depends on the destination; more than a few tell nothing new. */
export const MAX_STUN_SERVERS = 8;

/** An answer younger than this is not asked for again early, so that a NAT which changes all the time causes no storm. */
export const FRESH_ANSWER = seconds(5);

export type ReflexiveEvent =
  /** A server answered. `rtt` counts from the latest request sent to it. */
  | {
      readonly kind: 'reflexive-address';
      readonly server: Endpoint;
      readonly endpoint: Endpoint;
      readonly rtt: Duration;
    }
  /** A server sees another address than it did before: the NAT has rebound, or the network has changed. */
  | { readonly kind: 'reflexive-changed'; readonly endpoint: Endpoint; readonly previous: Endpoint }
  /** No answer to any retransmission, or one without an address. It is asked again at the next refresh. */
  | { readonly kind: 'server-unreachable'; readonly server: Endpoint };

type ServerState =
  | { readonly kind: 'asking'; readonly since: Instant; readonly transaction: StunTransaction }
  | { readonly kind: 'resting'; readonly until: Instant };

interface Server {
  readonly endpoint: Endpoint;
  state: ServerState;
  answer?: { readonly endpoint: Endpoint; readonly at: Instant };
}

export class ReflexiveDiscovery {
  readonly #random: RandomBytes;
  readonly #software: string | undefined;
  #servers: Server[] = [];
  readonly #events: ReflexiveEvent[] = [];

  constructor({ random, software }: { random: RandomBytes; software?: string }) {
    this.#random = random;
    this.#software = software;
  }

  /** Asks these servers from now on (the first 8); new ones at once, known ones keep their state. */
  setServers(servers: readonly Endpoint[], now: Instant, out: PathOutput): void {
    const known = new Map(this.#servers.map((server) => [formatEndpoint(server.endpoint), server]));
    const wanted = new Map(servers.map((server) => [formatEndpoint(server), server]));
    this.#servers = [...wanted]
      .slice(0, MAX_STUN_SERVERS)
      .map(([text, endpoint]) => known.get(text) ?? { endpoint, state: { kind: 'resting', until: now } });
    this.handleTimeout(now, out);
  }

  /** Asks all servers now, for example because paths were lost. Those first asked less than an RTO ago are left alone. */
  refresh(now: Instant, out: PathOutput): void {
    for (const server of this.#servers) {
      const asked = server.state.kind === 'asking' ? server.state.since : undefined;
      if (asked !== undefined && now - asked < INITIAL_RETRANSMISSION_TIMEOUT) continue;
      server.state = { kind: 'resting', until: now };
    }
    this.handleTimeout(now, out);
  }

  /** True if the message answers one of our questions; any other is left to someone else. */
  handleMessage(message: StunMessage, from: Endpoint, now: Instant): boolean {
    for (const server of this.#servers) {
      if (server.state.kind !== 'asking') continue;
      if (!server.state.transaction.handleMessage(message, from, now)) continue;
      this.#conclude(server, server.state.transaction, now);
      return true;
    }
    return false;
  }

  handleTimeout(now: Instant, out: PathOutput): void {
    for (const server of this.#servers) {
      if (server.state.kind === 'resting' && now >= server.state.until) {
        server.state = { kind: 'asking', since: now, transaction: this.#ask(server.endpoint, now) };
      }
      if (server.state.kind !== 'asking') continue;
      const { transaction } = server.state;
      transaction.handleTimeout(now, { datagram: (bytes, to) => out.datagram(bytes, udpPath(to)) });
      if (transaction.state.kind === 'timed-out') this.#conclude(server, transaction, now);
    }
  }

  pollTimeout(): Wakeup | undefined {
    return earliestWakeup(
      ...this.#servers.map(({ endpoint, state }): Wakeup | undefined => {
        switch (state.kind) {
          case 'asking':
            return state.transaction.pollTimeout();
          case 'resting':
            return { at: state.until, reason: `stun ${formatEndpoint(endpoint)}: refresh` };
          default:
            return assertNever(state);
        }
      }),
    );
  }

  pollEvent(): ReflexiveEvent | undefined {
    return this.#events.shift();
  }

  /** Our addresses as the servers see them, without repetition, the latest answer first. */
  get reflexive(): Endpoint[] {
    const answers = this.#servers.flatMap(({ answer }) => answer ?? []).sort((a, b) => b.at - a.at);
    const distinct = new Map<string, Endpoint>();
    for (const { endpoint } of answers) {
      if (!distinct.has(formatEndpoint(endpoint))) distinct.set(formatEndpoint(endpoint), endpoint);
    }
    return [...distinct.values()];
  }

  #ask(destination: Endpoint, now: Instant): StunTransaction {
    const transactionId = this.#random(TRANSACTION_ID_BYTES);
    const software = this.#software === undefined ? {} : { software: this.#software };
    const bytes = encodeStunMessage({ class: 'request', transactionId, ...software, fingerprint: true });
    return new StunTransaction({ destination, transactionId, bytes }, now);
  }

  #conclude(server: Server, { state }: StunTransaction, now: Instant): void {
    server.state = { kind: 'resting', until: addDuration(now, jittered(REFRESH_INTERVAL, this.#random)) };
    const endpoint = state.kind === 'answered' ? addressIn(state.message) : undefined;
    if (state.kind !== 'answered' || !endpoint) {
      this.#events.push({ kind: 'server-unreachable', server: server.endpoint });
      return;
    }
    const previous = server.answer?.endpoint;
    server.answer = { endpoint, at: now };
    this.#events.push({ kind: 'reflexive-address', server: server.endpoint, endpoint, rtt: state.rtt });
    if (!previous || endpointsEqual(previous, endpoint)) return;
    this.#events.push({ kind: 'reflexive-changed', endpoint, previous });
    this.#askOthersAgain(now);
  }

  /** What the others said before a change is probably stale: they are due at the next `handleTimeout`. */
  #askOthersAgain(now: Instant): void {
    for (const other of this.#servers) {
      if (other.state.kind === 'resting' && other.answer && now - other.answer.at > FRESH_ANSWER) {
        other.state = { kind: 'resting', until: now };
      }
    }
  }
}

/** A success that requires us to understand what we don't counts as failed (RFC 8489 §6.3.3). */
function addressIn(message: StunMessage): Endpoint | undefined {
  if (message.class !== 'success' || unknownRequiredTypes(message).length > 0) return undefined;
  return mappedEndpoint(message);
}

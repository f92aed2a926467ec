// Where this node can be reached, as far as it knows: its host's addresses, how STUN servers see its socket, what is forwarded to it. Used by tunnel.ts.

import {
  type Call,
  type Candidate,
  type NatTraits,
  type PathOutput,
  ReflexiveDiscovery,
  type ReflexiveEvent,
  traitsFromReflexive,
} from '@shadownet/paths';
import {
  assertNever,
  type Endpoint,
  endpointsEqual,
  formatEndpoint,
  type Instant,
  type UdpPath,
  type Wakeup,
} from '@shadownet/primitives';
import type { StunMessage } from '@shadownet/stun';
import { ownCandidates } from './peer-candidates.js';
import type { TunnelEvent, TunnelOptions } from './tunnel-types.js';

export class OwnAddresses {
  readonly #discovery: ReflexiveDiscovery;
  readonly #events: TunnelEvent[] = [];
  /** What each server saw last, in the order in which they were asked. */
  readonly #seenBy = new Map<string, Endpoint | undefined>();
  /** What the NAT is like, if that was measured. */
  measuredNat: NatTraits | undefined;
  /** What a router forwards to our socket. */
  mapped: Endpoint | undefined;
  #host: readonly Endpoint[] = [];
  #announced: Endpoint | undefined;

  constructor({ random, software }: Pick<TunnelOptions, 'random' | 'software'>) {
    this.#discovery = new ReflexiveDiscovery({ random, ...(software !== undefined && { software }) });
  }

  get host(): readonly Endpoint[] {
    return this.#host;
  }

  /** As STUN servers see us, the latest answer first. */
  get reflexive(): readonly Endpoint[] {
    return this.#discovery.reflexive;
  }

  /** The reflexive one to announce as our endpoint. */
  get endpoint(): Endpoint | undefined {
    return this.#announced;
  }

  get candidates(): Candidate[] {
    return ownCandidates(this.#host, this.reflexive, this.mapped);
  }

  /** What to tell a peer that is to probe us. */
  get call(): Call {
    return { candidates: this.candidates, nat: this.measuredNat ?? this.#inferredNat };
  }

  /** IPv6 addresses are not translated: they say nothing of the NAT. */
  get #inferredNat(): NatTraits {
    const seen = [...this.#seenBy.values()].filter((endpoint) => endpoint?.address.family === 4) as Endpoint[];
    return traitsFromReflexive(seen, this.#host[0]?.port);
  }

  /** False if nothing changed. If something did, so did the network, and the servers are asked again. */
  setHost(endpoints: readonly Endpoint[], now: Instant, out: PathOutput): boolean {
    const before = this.#host;
    if (before.length === endpoints.length && before.every((one, i) => endpointsEqual(one, endpoints[i]!)))
      return false;
    this.#host = endpoints;
    this.refresh(now, out);
    return true;
  }

  setServers(servers: readonly Endpoint[], now: Instant, out: PathOutput): void {
    this.#seenBy.clear();
    for (const server of servers) this.#seenBy.set(formatEndpoint(server), undefined);
    this.#discovery.setServers(servers, now, out);
  }

  refresh(now: Instant, out: PathOutput): void {
    this.#discovery.refresh(now, out);
  }

  /** True if it was an answer of a STUN server to us. */
  handleMessage(message: StunMessage, from: UdpPath, now: Instant): boolean {
    return from.socket === 0 && this.#discovery.handleMessage(message, from.remote, now);
  }

  handleTimeout(now: Instant, out: PathOutput): void {
    this.#discovery.handleTimeout(now, out);
  }

  pollTimeout(): Wakeup | undefined {
    return this.#discovery.pollTimeout();
  }

  /** The oldest event not yet fetched. */
  pollEvent(): TunnelEvent | undefined {
    for (let found = this.#discovery.pollEvent(); found; found = this.#discovery.pollEvent()) this.#take(found);
    return this.#events.shift();
  }

  #take(event: ReflexiveEvent): void {
    switch (event.kind) {
      case 'reflexive-address':
        this.#seenBy.set(formatEndpoint(event.server), event.endpoint);
        this.#events.push({ kind: 'stun-result', server: event.server, endpoint: event.endpoint, rtt: event.rtt });
        return this.#chooseEndpoint();
      case 'reflexive-changed':
        return this.#chooseEndpoint();
      case 'server-unreachable':
        this.#events.push({ kind: 'stun-unanswered', server: event.server });
        return;
      default:
        assertNever(event);
    }
  }

  /** Behind a NAT that maps by destination each server sees another address: the one that was announced stays while it is seen. */
  #chooseEndpoint(): void {
    const seen = this.reflexive;
    const previous = this.#announced;
    const [endpoint] = seen;
    if (!endpoint || (previous && seen.some((one) => endpointsEqual(one, previous)))) return;
    this.#announced = endpoint;
    this.#events.push({ kind: 'reflexive-changed', endpoint, previous });
  }
}

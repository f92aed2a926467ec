// Where this node can be reached, as far as it knows: its host's addresses, and how STUN servers see its socket. Used by tunnel.ts.

import { type Candidate, type PathOutput, ReflexiveDiscovery, type ReflexiveEvent } from '@shadownet/paths';
import { assertNever, type Endpoint, endpointsEqual, type Instant, type Wakeup } from '@shadownet/primitives';
import type { StunMessage } from '@shadownet/stun';
import { ownCandidates } from './peer-candidates.js';
import type { TunnelEvent, TunnelOptions } from './tunnel-types.js';

export class OwnAddresses {
  readonly #discovery: ReflexiveDiscovery;
  readonly #events: TunnelEvent[] = [];
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
    return ownCandidates(this.#host, this.reflexive);
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
    this.#discovery.setServers(servers, now, out);
  }

  refresh(now: Instant, out: PathOutput): void {
    this.#discovery.refresh(now, out);
  }

  /** True if it was an answer of a STUN server to us. */
  handleMessage(message: StunMessage, from: Endpoint, now: Instant): boolean {
    return this.#discovery.handleMessage(message, from, now);
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

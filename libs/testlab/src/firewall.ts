// A firewall without translation in front of public addresses: it drops UDP, or lets in what answers something that went out.

import {
  addDuration,
  type Duration,
  type Endpoint,
  type Instant,
  type IpAddress,
  seconds,
} from '@shadownet/primitives';
import { addressKey, endpointKey, type Key } from './endpoint-key.js';
import type { Gateway } from './gateway.js';

export interface FirewallBehaviour {
  /** 'stateful': inbound only from an endpoint that was sent to, to the endpoint that sent. */
  readonly udp: 'stateful' | 'blocked';
  /** Since the last packet from inside. */
  readonly stateLifetime: Duration;
}

export const FirewallBehaviours = {
  stateful: { udp: 'stateful', stateLifetime: seconds(120) },
  udpBlocked: { udp: 'blocked', stateLifetime: seconds(120) },
} as const satisfies Record<string, FirewallBehaviour>;

export class Firewall implements Gateway {
  readonly family: 4 | 6;
  readonly hairpinning = false;
  readonly #owned: ReadonlySet<Key>;
  readonly #behaviour: FirewallBehaviour;
  /** By inner endpoint and then by outer one: until when they may talk. */
  readonly #flows = new Map<Key, Map<Key, Instant>>();

  /** In front of these addresses, all of one family. */
  constructor(
    readonly addresses: readonly [IpAddress, ...IpAddress[]],
    behaviour: FirewallBehaviour,
  ) {
    this.family = addresses[0].family;
    this.#owned = new Set(addresses.map(addressKey));
    this.#behaviour = behaviour;
  }

  owns(address: IpAddress): boolean {
    return this.#owned.has(addressKey(address));
  }

  outbound(source: Endpoint, destination: Endpoint, now: Instant): Endpoint | undefined {
    if (this.#behaviour.udp === 'blocked') return undefined;
    const key = endpointKey(source);
    let flows = this.#flows.get(key);
    if (!flows) this.#flows.set(key, (flows = new Map()));
    flows.set(endpointKey(destination), addDuration(now, this.#behaviour.stateLifetime));
    return source;
  }

  inbound(source: Endpoint, destination: Endpoint, now: Instant): Endpoint | undefined {
    const until = this.#flows.get(endpointKey(destination))?.get(endpointKey(source));
    return until !== undefined && now < until ? destination : undefined;
  }
}

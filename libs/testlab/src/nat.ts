// A NAT as data and a pure function of what passed it, in the terms of RFC 4787: how it maps, what it lets in, which
// ports it takes, for how long. It never answers by itself, and what it drops leaves no trace in it.

import {
  addDuration,
  type Duration,
  type Endpoint,
  endpoint,
  endpointsEqual,
  formatEndpoint,
  formatIpAddress,
  type Instant,
  type IpAddress,
  ipAddressesEqual,
  seconds,
} from '@shadownet/primitives';
import type { SeededRandom } from './seeded-random.js';

/** On what of the remote end something depends (RFC 4787 §4.1 for mappings, §5 for filters). */
export type NatDependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

export interface NatBehaviour {
  /** For which destinations one inner endpoint keeps one outer endpoint. */
  readonly mapping: NatDependence;
  /** Who may send to an outer endpoint: everybody, addresses that were sent to, or endpoints that were sent to. */
  readonly filtering: NatDependence;
  /** 'preserving': the inner port if it is free, else the next free one. 'random': any free one. */
  readonly ports: 'preserving' | 'random';
  /** Since the last packet from inside (REQ-6). */
  readonly mappingLifetime: Duration;
  /** Whether inner hosts reach each other by their outer endpoints (§6). */
  readonly hairpinning: boolean;
}

/** The kinds that the literature names; `portRestricted` is what Linux masquerading does, `symmetric` with random ports. */
export const NatBehaviours = {
  fullCone: {
    mapping: 'endpoint-independent',
    filtering: 'endpoint-independent',
    ports: 'preserving',
    mappingLifetime: seconds(120),
    hairpinning: false,
  },
  addressRestricted: {
    mapping: 'endpoint-independent',
    filtering: 'address-dependent',
    ports: 'preserving',
    mappingLifetime: seconds(120),
    hairpinning: false,
  },
  portRestricted: {
    mapping: 'endpoint-independent',
    filtering: 'address-and-port-dependent',
    ports: 'preserving',
    mappingLifetime: seconds(120),
    hairpinning: false,
  },
  symmetric: {
    mapping: 'address-and-port-dependent',
    filtering: 'address-and-port-dependent',
    ports: 'random',
    mappingLifetime: seconds(120),
    hairpinning: false,
  },
} as const satisfies Record<string, NatBehaviour>;

interface Mapping {
  readonly key: string;
  readonly inner: Endpoint;
  readonly outerPort: number;
  expiresAt: Instant;
  /** Who was sent to, and until when that lets them in. */
  readonly contacted: Map<string, { readonly remote: Endpoint; readonly until: Instant }>;
}

const LOWEST_PORT = 1024;
const PORTS = 0x10000 - LOWEST_PORT;

export class Nat {
  readonly behaviour: NatBehaviour;
  readonly #random: SeededRandom;
  readonly #byKey = new Map<string, Mapping>();
  readonly #byPort = new Map<number, Mapping>();
  #outerAddress: IpAddress;
  /** Added to preserved ports: changed by `rebind`. */
  #portShift = 0;

  constructor(outerAddress: IpAddress, behaviour: NatBehaviour, random: SeededRandom) {
    this.#outerAddress = outerAddress;
    this.behaviour = behaviour;
    this.#random = random;
  }

  get outerAddress(): IpAddress {
    return this.#outerAddress;
  }

  /** A packet from inside: its source as the outside sees it. */
  outbound(inner: Endpoint, remote: Endpoint, now: Instant): Endpoint {
    this.#expire(now);
    const key = this.#mappingKey(inner, remote);
    const mapping = this.#byKey.get(key) ?? this.#map(key, inner, now);
    mapping.expiresAt = addDuration(now, this.behaviour.mappingLifetime);
    mapping.contacted.set(formatEndpoint(remote), { remote, until: mapping.expiresAt });
    return endpoint(this.#outerAddress, mapping.outerPort);
  }

  /** A packet from outside to a port of ours: the inner endpoint that gets it, or `undefined` if it is dropped. */
  inbound(remote: Endpoint, outerPort: number, now: Instant): Endpoint | undefined {
    this.#expire(now);
    const mapping = this.#byPort.get(outerPort);
    return mapping && this.#admits(mapping, remote, now) ? mapping.inner : undefined;
  }

  /** Forgets every mapping, as after a restart; what is mapped from now on gets other ports, and the address if given. */
  rebind(outerAddress: IpAddress = this.#outerAddress): void {
    this.#byKey.clear();
    this.#byPort.clear();
    this.#portShift += 1000;
    this.#outerAddress = outerAddress;
  }

  /** Mappings alive: what a test counts. */
  mappings(now: Instant): number {
    this.#expire(now);
    return this.#byKey.size;
  }

  #mappingKey(inner: Endpoint, remote: Endpoint): string {
    switch (this.behaviour.mapping) {
      case 'endpoint-independent':
        return formatEndpoint(inner);
      case 'address-dependent':
        return `${formatEndpoint(inner)} ${formatIpAddress(remote.address)}`;
      case 'address-and-port-dependent':
        return `${formatEndpoint(inner)} ${formatEndpoint(remote)}`;
    }
  }

  #admits({ contacted }: Mapping, remote: Endpoint, now: Instant): boolean {
    const { filtering } = this.behaviour;
    if (filtering === 'endpoint-independent') return true;
    return [...contacted.values()].some(
      (known) =>
        now < known.until &&
        (filtering === 'address-dependent'
          ? ipAddressesEqual(known.remote.address, remote.address)
          : endpointsEqual(known.remote, remote)),
    );
  }

  /** Every mapping has a port of its own: no overloading, which RFC 4787 REQ-3 forbids. */
  #map(key: string, inner: Endpoint, now: Instant): Mapping {
    let port =
      this.behaviour.ports === 'random'
        ? this.#random.integer(LOWEST_PORT, 0xffff)
        : LOWEST_PORT + ((inner.port - LOWEST_PORT + this.#portShift + PORTS) % PORTS);
    if (this.#byPort.size >= PORTS) throw new RangeError('every port of the NAT is taken');
    while (this.#byPort.has(port)) port = port === 0xffff ? LOWEST_PORT : port + 1;
    const mapping: Mapping = { key, inner, outerPort: port, expiresAt: now, contacted: new Map() };
    this.#byKey.set(key, mapping);
    this.#byPort.set(port, mapping);
    return mapping;
  }

  #expire(now: Instant): void {
    for (const mapping of this.#byKey.values()) {
      if (now < mapping.expiresAt) continue;
      this.#byKey.delete(mapping.key);
      this.#byPort.delete(mapping.outerPort);
    }
  }
}

// A NAT as data and a pure function of what passed it, in the terms of RFC 4787: how it maps, what it lets in, which
// ports it takes, for how long. It never answers by itself, and what it drops leaves no trace in it.

import {
  addDuration,
  assertNever,
  type Duration,
  type Endpoint,
  endpoint,
  type Instant,
  type IpAddress,
  ipAddressesEqual,
  seconds,
} from '@shadownet/primitives';
import { addressKey, endpointKey, type Key } from './endpoint-key.js';
import type { Gateway } from './gateway.js';
import type { SeededRandom } from './seeded-random.js';

/** On what of the remote end something depends (RFC 4787 §4.1 for mappings, §5 for filters). */
export type NatDependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

/** Which outer port a new mapping gets (§4.2). */
export type PortAllocation =
  /** The inner port if it is free, else the next free one. */
  | { readonly kind: 'preserving' }
  /** `step` above the last one given, whoever it was for; the next free one from there. */
  | { readonly kind: 'sequential'; readonly step: number }
  | { readonly kind: 'random' };

export interface NatBehaviour {
  /** For which destinations one inner endpoint keeps one outer endpoint. */
  readonly mapping: NatDependence;
  /** Who may send to an outer endpoint: everybody, addresses that were sent to, or endpoints that were sent to. */
  readonly filtering: NatDependence;
  readonly allocation: PortAllocation;
  /** Since the last packet from inside (REQ-6). */
  readonly mappingLifetime: Duration;
  /** Whether inner hosts reach each other by their outer endpoints (§6). */
  readonly hairpinning: boolean;
}

const COMMON = { allocation: { kind: 'preserving' }, mappingLifetime: seconds(120), hairpinning: false } as const;

/** The kinds that the literature names; `portRestricted` is what Linux masquerading does, `symmetric` with random ports. */
export const NatBehaviours = {
  fullCone: { ...COMMON, mapping: 'endpoint-independent', filtering: 'endpoint-independent' },
  addressRestricted: { ...COMMON, mapping: 'endpoint-independent', filtering: 'address-dependent' },
  portRestricted: { ...COMMON, mapping: 'endpoint-independent', filtering: 'address-and-port-dependent' },
  symmetric: {
    ...COMMON,
    mapping: 'address-and-port-dependent',
    filtering: 'address-and-port-dependent',
    allocation: { kind: 'random' },
  },
} as const satisfies Record<string, NatBehaviour>;

interface Mapping {
  readonly inner: Endpoint;
  readonly outer: Endpoint;
  /** Where it is found for a packet from inside. */
  readonly innerKey: Key;
  readonly remoteKey: Key;
  expiresAt: Instant;
  /** Who was sent to, and until when that lets them in. */
  readonly contacted: Map<Key, { until: Instant }>;
}

const LOWEST_PORT = 1024;
const PORTS = 0x10000 - LOWEST_PORT;

/** Of a mapping that serves every destination. */
const ANY_REMOTE: Key = 'any';

/** Expired mappings are found when they are asked for; all are looked through when there are twice as many as at the last look. */
const FIRST_SWEEP = 64;

export class Nat implements Gateway {
  readonly family = 4;
  readonly behaviour: NatBehaviour;
  readonly #random: SeededRandom;
  readonly #byInner = new Map<Key, Map<Key, Mapping>>();
  readonly #byPort = new Map<number, Mapping>();
  /** The one that was used last, which is mostly the one that is used next. */
  #latest: Mapping | undefined;
  /** Mappings that a host asked for (UPnP-IGD, NAT-PMP, PCP), by inner endpoint and by outer port. */
  readonly #requestedByInner = new Map<Key, Endpoint>();
  readonly #requestedByPort = new Map<number, Endpoint>();
  #sweepAt = FIRST_SWEEP;
  #outerAddress: IpAddress;
  #lastPort: number;
  /** Added to preserved ports: changed by `rebind`. */
  #portShift = 0;

  constructor(outerAddress: IpAddress, behaviour: NatBehaviour, random: SeededRandom) {
    this.#outerAddress = outerAddress;
    this.behaviour = behaviour;
    this.#random = random;
    this.#lastPort = behaviour.allocation.kind === 'sequential' ? random.integer(LOWEST_PORT, 0xffff) : 0;
  }

  get outerAddress(): IpAddress {
    return this.#outerAddress;
  }

  get hairpinning(): boolean {
    return this.behaviour.hairpinning;
  }

  get addresses(): readonly IpAddress[] {
    return [this.#outerAddress];
  }

  owns(address: IpAddress): boolean {
    return ipAddressesEqual(address, this.#outerAddress);
  }

  outbound(inner: Endpoint, remote: Endpoint, now: Instant): Endpoint {
    const innerKey = endpointKey(inner);
    const requested = this.#requestedByInner.size > 0 ? this.#requestedByInner.get(innerKey) : undefined;
    if (requested) return requested;
    const mapping = this.#find(innerKey, this.#remoteKey(remote), now) ?? this.#map(inner, innerKey, remote, now);
    mapping.expiresAt = addDuration(now, this.behaviour.mappingLifetime);
    this.#latest = mapping;
    if (this.behaviour.filtering !== 'endpoint-independent') {
      const key = this.#filterKey(remote);
      const contact = mapping.contacted.get(key);
      if (contact) contact.until = mapping.expiresAt;
      else mapping.contacted.set(key, { until: mapping.expiresAt });
    }
    return mapping.outer;
  }

  inbound(remote: Endpoint, { port }: Endpoint, now: Instant): Endpoint | undefined {
    const requested = this.#requestedByPort.size > 0 ? this.#requestedByPort.get(port) : undefined;
    if (requested) return requested;
    const mapping = this.#latest?.outer.port === port ? this.#latest : this.#byPort.get(port);
    if (!mapping || this.#expire(mapping, now)) return undefined;
    if (this.behaviour.filtering === 'endpoint-independent') return mapping.inner;
    const contact = mapping.contacted.get(this.#filterKey(remote));
    return contact && now < contact.until ? mapping.inner : undefined;
  }

  /**
   * Grants a port mapping: whatever comes to the outer port goes to `inner`, and what `inner` sends leaves from it, as
   * miniupnpd sets it up. Returns the outer endpoint: the inner port if that is free, else another.
   */
  mapPort(inner: Endpoint, now: Instant): Endpoint {
    const outer = endpoint(this.#outerAddress, this.#firstFree(inner.port, now));
    this.#requestedByInner.set(endpointKey(inner), outer);
    this.#requestedByPort.set(outer.port, inner);
    return outer;
  }

  /** Forgets every mapping, as after a restart; what is mapped from now on gets other ports, and the address if given. */
  rebind(outerAddress: IpAddress = this.#outerAddress): void {
    this.#byInner.clear();
    this.#byPort.clear();
    this.#latest = undefined;
    this.#requestedByInner.clear();
    this.#requestedByPort.clear();
    this.#portShift += 1000;
    this.#outerAddress = outerAddress;
  }

  /** Mappings alive: what a test counts. */
  mappings(now: Instant): number {
    this.#sweep(now);
    return this.#byPort.size;
  }

  #remoteKey(remote: Endpoint): Key {
    switch (this.behaviour.mapping) {
      case 'endpoint-independent':
        return ANY_REMOTE;
      case 'address-dependent':
        return addressKey(remote.address);
      case 'address-and-port-dependent':
        return endpointKey(remote);
    }
  }

  #filterKey(remote: Endpoint): Key {
    return this.behaviour.filtering === 'address-dependent' ? addressKey(remote.address) : endpointKey(remote);
  }

  #find(innerKey: Key, remoteKey: Key, now: Instant): Mapping | undefined {
    const latest = this.#latest;
    const isLatest = latest?.innerKey === innerKey && latest.remoteKey === remoteKey;
    const mapping = isLatest ? latest : this.#byInner.get(innerKey)?.get(remoteKey);
    return mapping && !this.#expire(mapping, now) ? mapping : undefined;
  }

  /** Every mapping has a port of its own: no overloading, which RFC 4787 REQ-3 forbids. */
  #map(inner: Endpoint, innerKey: Key, remote: Endpoint, now: Instant): Mapping {
    if (this.#byPort.size >= this.#sweepAt) {
      this.#sweep(now);
      this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#byPort.size);
    }
    const outer = endpoint(this.#outerAddress, this.#firstFree(this.#wantedPort(inner), now));
    this.#lastPort = outer.port;
    const remoteKey = this.#remoteKey(remote);
    const mapping: Mapping = { inner, outer, innerKey, remoteKey, expiresAt: now, contacted: new Map() };
    let ofInner = this.#byInner.get(innerKey);
    if (!ofInner) this.#byInner.set(innerKey, (ofInner = new Map()));
    ofInner.set(remoteKey, mapping);
    this.#byPort.set(outer.port, mapping);
    return mapping;
  }

  #wantedPort(inner: Endpoint): number {
    const { allocation } = this.behaviour;
    switch (allocation.kind) {
      case 'preserving':
        return wrapped(inner.port + this.#portShift);
      case 'sequential':
        return wrapped(this.#lastPort + allocation.step);
      case 'random':
        return this.#random.integer(LOWEST_PORT, 0xffff);
      default:
        return assertNever(allocation);
    }
  }

  #firstFree(wanted: number, now: Instant): number {
    for (let port = wanted, tried = 0; tried < PORTS; port = wrapped(port + 1), tried++) {
      const taken = this.#byPort.get(port);
      if ((!taken || this.#expire(taken, now)) && !this.#requestedByPort.has(port)) return port;
    }
    throw new RangeError('every port of the NAT is taken');
  }

  /** True if the mapping is over, which it then is forgotten for. */
  #expire(mapping: Mapping, now: Instant): boolean {
    if (now < mapping.expiresAt) return false;
    if (mapping === this.#latest) this.#latest = undefined;
    this.#byPort.delete(mapping.outer.port);
    const ofInner = this.#byInner.get(mapping.innerKey);
    ofInner?.delete(mapping.remoteKey);
    if (ofInner?.size === 0) this.#byInner.delete(mapping.innerKey);
    return true;
  }

  #sweep(now: Instant): void {
    for (const mapping of this.#byPort.values()) this.#expire(mapping, now);
  }
}

function wrapped(port: number): number {
  return LOWEST_PORT + ((((port - LOWEST_PORT) % PORTS) + PORTS) % PORTS);
}

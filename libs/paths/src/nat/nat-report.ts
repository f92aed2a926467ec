// What is known of the NAT in front of a host, in the words of RFC 4787. Made by classifyNat, shown by `netcheck`, and what the
// choice of a way to connect goes by.

import type { Duration, Endpoint } from '@shadownet/primitives';

/** On what of the remote end something depends (RFC 4787 §4.1 for mappings, §5 for filters). */
export type NatDependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

export interface NatFinding {
  readonly dependence: NatDependence;
  /** Against one server address only the port can be told: what looks endpoint-independent may be address-dependent then. */
  readonly addressDependence: 'tested' | 'not-tested';
}

/** Which outer port a new mapping gets (RFC 4787 §4.2): what a prediction of the next one goes by. */
export type PortAllocation =
  /** The inner one. */
  | { readonly kind: 'preserving' }
  /** Near the one before, usually `step` further. */
  | { readonly kind: 'sequential'; readonly step: number }
  | { readonly kind: 'random' }
  /** Too few mappings were seen. */
  | { readonly kind: 'unknown' };

/** For how long a mapping outlives silence: at least (as tested), and less than (as tested). */
export interface MappingLifetime {
  readonly atLeast?: Duration;
  readonly below?: Duration;
}

export type NatReport =
  /** No STUN server answered. */
  | { readonly kind: 'udp-blocked' }
  /** The host's own address is what others see; a firewall may filter all the same. */
  | {
      readonly kind: 'no-nat';
      readonly endpoint: Endpoint;
      readonly filtering: NatFinding | 'not-tested';
      readonly lifetime: MappingLifetime | 'not-tested';
    }
  | {
      readonly kind: 'nat';
      /** One of the endpoints that servers saw. */
      readonly endpoint: Endpoint;
      readonly mapping: NatFinding | 'not-tested';
      readonly filtering: NatFinding | 'not-tested';
      /** Whether the first mapping of an inner port has the same outer port. */
      readonly portPreservation: 'yes' | 'no';
      readonly allocation: PortAllocation;
      /** Whether all mappings of the host have one outer address (RFC 4787 §4.1, "IP address pooling"). */
      readonly pooling: 'paired' | 'arbitrary';
      /** Whether hosts behind the NAT reach each other at their outer endpoints, as far as its filter allows that. */
      readonly hairpin: 'works' | 'does-not-work' | 'not-tested';
      readonly lifetime: MappingLifetime | 'not-tested';
    };

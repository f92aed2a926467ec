// What stands between a segment and the one further out: it says where a packet appears to come from on the other side, or
// that it does not get there. NATs and firewalls are gateways; one of each makes a dual-stack home.

import type { Endpoint, Instant, IpAddress } from '@shadownet/primitives';

export interface Gateway {
  /** The family that it forwards. */
  readonly family: 4 | 6;
  /** Its own on its outer side, as they are now. */
  readonly addresses: readonly IpAddress[];
  /** Whether packets on its outer side that are for `address` come to it. */
  owns(address: IpAddress): boolean;
  /** A packet from inside: its source as the outside sees it, `undefined` if it is dropped. */
  outbound(source: Endpoint, destination: Endpoint, now: Instant): Endpoint | undefined;
  /** A packet from outside to an address of its own: the inner endpoint that gets it, `undefined` if it is dropped. */
  inbound(source: Endpoint, destination: Endpoint, now: Instant): Endpoint | undefined;
  /** Whether a packet from inside to an address of its own comes back in (RFC 4787 §6). */
  readonly hairpinning: boolean;
}

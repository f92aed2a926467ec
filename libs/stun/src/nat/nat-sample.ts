// What NAT tests observe, one fact at a time (RFC 5780 §3, §4). NatBehaviourDiscovery makes them, libs/paths classifies them.

import type { Duration, Endpoint } from '@shadownet/primitives';

export type NatSample =
  /** A server saw the test socket of this index, bound to `localPort`, as `mapped`. */
  | {
      readonly kind: 'mapping';
      readonly socket: number;
      readonly localPort: number;
      /** In which order the sockets' first packets to their servers were sent, from 0. */
      readonly order: number;
      readonly server: Endpoint;
      readonly mapped: Endpoint;
      readonly rtt: Duration;
    }
  /** No answer to any retransmission, or an error. */
  | { readonly kind: 'no-mapping'; readonly server: Endpoint }
  /** Whether an answer came through that was sent from where the socket had sent nothing to. */
  | {
      readonly kind: 'filtering';
      readonly change: 'port' | 'address-and-port';
      readonly result: 'received' | 'silence';
    }
  /** Whether one test socket got what another one sent to its mapped endpoint. */
  | { readonly kind: 'hairpin'; readonly result: 'received' | 'silence' }
  /** Whether an answer came through that was sent when nothing had passed for `idle`. */
  | { readonly kind: 'lifetime'; readonly idle: Duration; readonly result: 'received' | 'silence' };

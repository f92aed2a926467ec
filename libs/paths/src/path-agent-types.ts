// What the path agent is made with, and what it says of the messages that it gets.

import type { IpPrefix, PublicKey } from '@shadownet/primitives';
import type { Call } from './call.js';
import type { DestinationLimiter } from './destination-limiter.js';
import type { ProbeExchangeOptions, ProbeRefusal } from './probe-exchange.js';

export interface PathAgentOptions extends ProbeExchangeOptions {
  readonly localPublicKey: PublicKey;
  readonly remotePublicKey: PublicKey;
  /** Ranges of the mesh itself: a path to a peer must not lead through the mesh. */
  readonly overlayPrefixes?: readonly IpPrefix[];
  /** One for all agents of a node. */
  readonly limiter?: DestinationLimiter;
  /** What our calls tell the peer at that moment: where we are, and what our NAT is like. */
  readonly ownCall?: () => Call;
  /** Whether ports of hard NATs may be guessed: hundreds of probes to one address. False if absent. */
  readonly guessing?: boolean;
}

export type ProbeDrop =
  | ProbeRefusal
  /** Its answer would be longer than itself. */
  | 'request-too-short'
  /** From an address that can be no path. */
  | 'unusable-source'
  | 'malformed-call'
  /** The peer calls too often. */
  | 'calls-limited';

export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly reason: ProbeDrop };

export interface PathCounters {
  probesSent: number;
  /** Probes not sent because their destination was probed just before. */
  probesHeldBack: number;
  requestsAnswered: number;
  callsSent: number;
  readonly dropped: Partial<Record<ProbeDrop, number>>;
}

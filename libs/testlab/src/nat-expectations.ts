// What must come out for each pair of networks, written down before any of it was simulated: by which means the two connect,
// or that they are relayed, and why (../shared/design/nat-lab.md gives the rules, RFC 4787 the terms).

import { type Duration, milliseconds } from '@shadownet/primitives';
import type { NatKind } from './nat-kinds.js';

export type Means = 'punch' | 'peer-reflexive' | 'predict' | 'birthday' | 'relay';

export interface Expectation {
  readonly means: Means;
  /** From the start of both sides to a direct path in use on both, at 10–15 ms one way; absent where it stays relayed. */
  readonly within?: Duration;
  /** How many of 100 runs must be direct by then. */
  readonly probability: number;
  readonly reason: string;
}

export const MEANS: Readonly<Record<Means, Expectation>> = {
  punch: {
    means: 'punch',
    within: milliseconds(1500),
    probability: 1,
    reason: 'each side knows the endpoint that the other one sends from; both send, so each filter has seen the other',
  },
  'peer-reflexive': {
    means: 'peer-reflexive',
    within: milliseconds(1500),
    probability: 1,
    reason: "the hard side's first probe passes the easy side's filter and shows the mapping made for it",
  },
  predict: {
    means: 'predict',
    within: milliseconds(4000),
    probability: 1,
    reason: 'the filter needs the exact port, and the hard side allocates ports in sequence: the next ones are tried',
  },
  birthday: {
    means: 'birthday',
    within: milliseconds(6000),
    probability: 0.95,
    reason: 'the filter needs the exact port, which is random: 256 sockets against 1,200 guesses hit with 99.1 %',
  },
  relay: {
    means: 'relay',
    probability: 1,
    reason: 'both ends map by destination, or no UDP or no common address family leads from one to the other',
  },
};

const LETTERS: Readonly<Record<string, Means>> = {
  D: 'punch',
  P: 'peer-reflexive',
  S: 'predict',
  B: 'birthday',
  '·': 'relay',
};

/** Row by column; the same for both orders. */
const TABLE: Readonly<Record<NatKind, string>> = {
  //                         pu fw fc ar pr rr dn ds mg hr hs ha dh v6 ub
  public: /*             */ 'D  D  D  D  D  D  D  D  D  P  P  P  P  ·  ·',
  firewalled: /*         */ 'D  D  D  D  D  D  D  D  D  B  S  B  B  ·  ·',
  'full-cone': /*        */ 'D  D  D  D  D  D  D  D  D  P  P  P  P  ·  ·',
  'address-restricted': /**/ 'D  D  D  D  D  D  D  D  D  P  P  P  P  ·  ·',
  'port-restricted': /*  */ 'D  D  D  D  D  D  D  D  D  B  S  B  B  ·  ·',
  'port-restricted-random': 'D  D  D  D  D  D  D  D  D  B  S  B  B  ·  ·',
  'double-nat': /*       */ 'D  D  D  D  D  D  D  D  D  B  S  B  B  ·  ·',
  'dual-stack': /*       */ 'D  D  D  D  D  D  D  D  D  B  S  B  B  D  ·',
  'mapping-granted': /*  */ 'D  D  D  D  D  D  D  D  D  P  P  P  P  ·  ·',
  'hard-random': /*      */ 'P  B  P  P  B  B  B  B  P  ·  ·  ·  ·  ·  ·',
  'hard-sequential': /*  */ 'P  S  P  P  S  S  S  S  P  ·  ·  ·  ·  ·  ·',
  'hard-by-address': /*  */ 'P  B  P  P  B  B  B  B  P  ·  ·  ·  ·  ·  ·',
  'double-hard': /*      */ 'P  B  P  P  B  B  B  B  P  ·  ·  ·  ·  ·  ·',
  'ipv6-only': /*        */ '·  ·  ·  ·  ·  ·  ·  D  ·  ·  ·  ·  ·  D  ·',
  'udp-blocked': /*      */ '·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·',
};

/** What must come out for hosts in two networks of these kinds. */
export function expectedBetween(a: NatKind, b: NatKind): Expectation {
  const column = (Object.keys(TABLE) as NatKind[]).indexOf(b);
  return MEANS[LETTERS[TABLE[a].split(/\s+/)[column]!]!];
}

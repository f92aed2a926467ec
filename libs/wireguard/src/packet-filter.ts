// The place of a packet filter in the path of inner packets, in the core as in every packet worker (docs/adr/0004). The engine calls
// it and counts; what the rules are, and how their table is laid out, is the filter's own business. Without one nothing is asked.

import type { Instant } from '@shadownet/primitives';

/** As this host sees it: `out` into the tunnel, `in` from a peer. */
export type PacketDirection = 'out' | 'in';

/** `filter-denied`: the rules do not allow it. `filter-unreadable`: it does not show what the rules ask for, and so is not let through. */
export type PacketVerdict = 'accept' | 'filter-denied' | 'filter-unreadable';

export interface PacketFilter {
  /**
   * Judges an IP packet of, or to, the peer of this number: its addresses are the peer's own already. `length` bytes lie at `offset`
   * of `packet`, are valid during the call and must not be changed. Of a superpacket these are at least all headers, and one verdict
   * is on the whole. `now` is the core's time, as old as the batch at most. Never throws, and allocates nothing, whatever the packet holds.
   */
  judge(
    direction: PacketDirection,
    peer: number,
    packet: DataView,
    offset: number,
    length: number,
    now: Instant,
  ): PacketVerdict;
}

/** What a filter judges by: rules that were published whole and never change, and the memory of flows, which outlives them. */
export interface PacketFilterTable {
  readonly rules: SharedArrayBuffer;
  readonly flows: SharedArrayBuffer;
}

/**
 * Makes the filter of a table, in the thread that it judges in. Another table makes another
 * filter; the old one is let go of at the next epoch (concurrency rule 9).
 */
export type PacketFilterFactory = (table: PacketFilterTable) => PacketFilter;

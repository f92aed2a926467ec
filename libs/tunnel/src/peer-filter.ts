// What the map says peers may open, as the table of the packet filter (libs/packetfilter). As long as every peer may open everything
// there is no table, and packets cost nothing. Used by Tunnel.

import type { Peer } from '@shadownet/contracts';
import { allocateFlows, buildRuleTable, type PeerRules } from '@shadownet/packetfilter';
import { ALL_TRAFFIC, isAllTraffic, parseTraffic, type TrafficSet, uniteTraffic } from '@shadownet/policy';
import type { IpAddress } from '@shadownet/primitives';
import type { PacketFilterTable } from '@shadownet/wireguard';

/** A peer of the map, as the engine and this process know it. */
export interface FilteredPeer {
  readonly peer: Peer;
  /** The engine's number of the peer. */
  readonly number: number;
  /** Of this link alone: PeerRules. */
  readonly incarnation: number;
}

export class PeerFilter {
  /** Whatever becomes of the rules, flows that are allowed by the next ones go on. */
  #flows: SharedArrayBuffer | undefined;
  /** What the table says that is in force; empty without one. */
  #inForce = '';
  readonly #sets = new Map<string, TrafficSet>();

  /** The table for these peers, or that there is to be none, if that is not in force already. */
  update(
    peers: readonly FilteredPeer[],
    addresses: readonly IpAddress[],
  ): { readonly table: PacketFilterTable | undefined } | undefined {
    const rules = peers.map((filtered) => this.#rulesOf(filtered));
    const isOpen = rules.every(({ inbound, outbound }) => isAllTraffic(inbound) && isAllTraffic(outbound));
    const text = isOpen ? '' : describe(rules, addresses);
    if (text === this.#inForce) return undefined;
    this.#inForce = text;
    if (isOpen) return { table: undefined };
    this.#flows ??= allocateFlows();
    return { table: { rules: buildRuleTable({ addresses, peers: rules }), flows: this.#flows } };
  }

  #rulesOf({ peer, number, incarnation }: FilteredPeer): PeerRules {
    return { number, incarnation, inbound: this.#setOf(peer.inbound), outbound: this.#setOf(peer.outbound) };
  }

  /** What this version does not know is not allowed by it. */
  #setOf(texts: readonly string[] | undefined): TrafficSet {
    if (!texts) return ALL_TRAFFIC;
    const key = texts.join();
    let set = this.#sets.get(key);
    if (!set) {
      set = uniteTraffic(texts.flatMap((text) => [parseTraffic(text) ?? []]));
      this.#sets.set(key, set);
    }
    return set;
  }
}

function describe(rules: readonly PeerRules[], addresses: readonly IpAddress[]): string {
  const peers = rules.map(({ number, incarnation, inbound, outbound }) =>
    [number, incarnation, inbound.join(), outbound.join()].join(' '),
  );
  return [addresses.map(({ bytes }) => bytes.join('.')).join(), ...peers].join('\n');
}

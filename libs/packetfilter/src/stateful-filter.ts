// The packet filter of a mesh node. In shared memory lie what the policy lets each peer open towards us and us towards it, and the
// flows that we opened (docs/adr/0009). Made in every thread that moves packets; libs/wireguard says where it is asked.
//
//   in    what the peer may open towards us, and replies to what we opened and still may
//   out   what may be a reply to what the peer may open towards us, and what we may open towards it, which is noted
//
// So a rule that goes away ends the flows that it allowed: nothing is kept of those but the flow's place, and each packet is asked anew.

import type { Instant } from '@shadownet/primitives';
import { pointOf, PROTOCOL } from '@shadownet/policy';
import type { PacketDirection, PacketFilter, PacketFilterTable, PacketVerdict } from '@shadownet/wireguard';
import { FlowTable, flowTableBytes, FRAGMENT_KIND } from './flow-table.js';
import { PacketHeaders } from './packet-headers.js';
import { RuleTable } from './rule-table.js';

/** Flows that are remembered at most: 1 MB. */
const FLOWS = 32_768;
/** Datagrams in fragments that are under way at most; apart from flows, since peers make these. */
const FRAGMENTED = 1024;

/** A later fragment that begins before this could put other ports and flags over those that were judged (RFC 1858 §3, RFC 3128). */
const FIRST_FRAGMENT_MINIMUM = 24;

/** Memory for the flows of one node, empty; it lives as long as the node does, whatever becomes of the rules. */
export function allocateFlows(): SharedArrayBuffer {
  return new SharedArrayBuffer(flowTableBytes(FLOWS) + flowTableBytes(FRAGMENTED));
}

/** A PacketFilterFactory. */
export function statefulFilter(table: PacketFilterTable): PacketFilter {
  return new StatefulFilter(table);
}

class StatefulFilter implements PacketFilter {
  readonly #rules: RuleTable;
  readonly #flows: FlowTable;
  readonly #fragmented: FlowTable;
  readonly #headers = new PacketHeaders();
  readonly #quoted = new PacketHeaders();

  constructor({ rules, flows }: PacketFilterTable) {
    this.#rules = new RuleTable(rules);
    this.#flows = new FlowTable(flows, 0, FLOWS);
    this.#fragmented = new FlowTable(flows, flowTableBytes(FLOWS), FRAGMENTED);
  }

  judge(
    direction: PacketDirection,
    peer: number,
    packet: DataView,
    offset: number,
    length: number,
    now: Instant,
  ): PacketVerdict {
    const incarnation = this.#rules.incarnationOf(peer);
    if (incarnation === 0) return 'filter-denied';
    if (!this.#headers.read(packet, offset, length, 'whole')) return 'filter-unreadable';
    const end = offset + length;
    return direction === 'in'
      ? this.#judgeIn(peer, incarnation, packet, end, now)
      : this.#judgeOut(peer, incarnation, packet, end, now);
  }

  #judgeIn(peer: number, incarnation: number, packet: DataView, end: number, now: Instant): PacketVerdict {
    const headers = this.#headers;
    if (!this.#rules.isOwnAddress(headers.family, packet, headers.destinationAt)) return 'filter-denied';
    if (headers.shape === 'later-fragment') {
      if (headers.fragmentOffset < FIRST_FRAGMENT_MINIMUM) return 'filter-unreadable';
      return verdictOf(this.#fragmented.has(incarnation, fragmentKind(headers), headers.identification, now));
    }
    const verdict = this.#judgeEntry(peer, incarnation, packet, end, now);
    if (verdict === 'accept' && headers.shape === 'first-fragment') {
      this.#fragmented.noteOut(incarnation, fragmentKind(headers), headers.identification, 0, true, now);
    }
    return verdict;
  }

  #judgeEntry(peer: number, incarnation: number, packet: DataView, end: number, now: Instant): PacketVerdict {
    const { role, protocol, sourcePort, destinationPort, tcpFlags, quoteAt } = this.#headers;
    if (role === 'redirect') return 'filter-denied';
    if (role === 'error') return this.#judgeErrorIn(peer, incarnation, packet, quoteAt, end, now);
    if (this.#rules.mayEnter(peer, pointOf(protocol, servicePort(protocol, destinationPort)))) return 'accept';
    if (role === 'opens') return 'filter-denied';
    if (!this.#rules.mayLeave(peer, pointOf(protocol, servicePort(protocol, sourcePort)))) return 'filter-denied';
    return verdictOf(this.#flows.noteIn(incarnation, protocol, portsOf(destinationPort, sourcePort), tcpFlags, now));
  }

  /** About a packet of ours: one that we opened a flow with, or a reply to what the peer may open. */
  #judgeErrorIn(
    peer: number,
    incarnation: number,
    packet: DataView,
    at: number,
    end: number,
    now: Instant,
  ): PacketVerdict {
    const quoted = this.#quoted;
    if (!this.#readQuoted(packet, at, end)) return 'filter-unreadable';
    const { protocol, sourcePort, destinationPort } = quoted;
    if (!this.#rules.isOwnAddress(quoted.family, packet, quoted.sourceAt)) return 'filter-denied';
    if (this.#rules.mayEnter(peer, pointOf(protocol, servicePort(protocol, sourcePort)))) return 'accept';
    if (!this.#rules.mayLeave(peer, pointOf(protocol, servicePort(protocol, destinationPort)))) return 'filter-denied';
    return verdictOf(this.#flows.has(incarnation, protocol, portsOf(sourcePort, destinationPort), now));
  }

  #judgeOut(peer: number, incarnation: number, packet: DataView, end: number, now: Instant): PacketVerdict {
    const { role, shape, protocol, sourcePort, destinationPort, tcpFlags, quoteAt } = this.#headers;
    // The receiver knows its first one, and without that it is worth nothing.
    if (shape === 'later-fragment') return 'accept';
    if (role === 'redirect') return 'filter-denied';
    if (role === 'error') return this.#judgeErrorOut(peer, packet, quoteAt, end);
    if (this.#rules.mayEnter(peer, pointOf(protocol, servicePort(protocol, sourcePort)))) return 'accept';
    if (!this.#rules.mayLeave(peer, pointOf(protocol, servicePort(protocol, destinationPort)))) return 'filter-denied';
    const opens = role === 'opens';
    // An echo's answer opens nothing; a TCP segment may be of a connection that is older than the filter.
    if (!opens && isIcmp(protocol)) return 'accept';
    const ports = portsOf(sourcePort, destinationPort);
    this.#flows.noteOut(incarnation, protocol, ports, tcpFlags, opens && protocol === PROTOCOL.tcp, now);
    return 'accept';
  }

  /** About a packet of the peer's, which we would not have got if it had not been allowed. */
  #judgeErrorOut(peer: number, packet: DataView, at: number, end: number): PacketVerdict {
    if (!this.#readQuoted(packet, at, end)) return 'filter-unreadable';
    const { protocol, sourcePort, destinationPort } = this.#quoted;
    return verdictOf(
      this.#rules.mayEnter(peer, pointOf(protocol, servicePort(protocol, destinationPort))) ||
        this.#rules.mayLeave(peer, pointOf(protocol, servicePort(protocol, sourcePort))),
    );
  }

  /** Nobody sends errors about errors, or about fragments that show no ports (RFC 1122 §3.2.2). */
  #readQuoted(packet: DataView, at: number, end: number): boolean {
    const quoted = this.#quoted;
    if (!quoted.read(packet, at, end - at, 'quoted')) return false;
    return quoted.shape !== 'later-fragment' && quoted.role !== 'error' && quoted.role !== 'redirect';
  }
}

function isIcmp(protocol: number): boolean {
  return protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6;
}

/** The port by which rules know the traffic: echo identifiers are for flows only. */
function servicePort(protocol: number, port: number): number {
  return isIcmp(protocol) ? 0 : port;
}

function portsOf(local: number, remote: number): number {
  return (local << 16) | remote;
}

function fragmentKind({ family, protocol }: PacketHeaders): number {
  return FRAGMENT_KIND | (family << 9) | protocol;
}

function verdictOf(accepted: boolean): PacketVerdict {
  return accepted ? 'accept' : 'filter-denied';
}

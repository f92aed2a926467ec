// The flows that this host has opened, in memory that all threads of the data plane share: by it replies are known (docs/adr/0009). A
// hash table of buckets of 8 entries that never grows. Who opens a flow writes the entry; both directions write when they saw it last,
// each into a word of its own. An entry is changed under its version (odd while somebody writes): whoever reads a change under way, or
// finds that there was one, takes it for another flow's. Nobody ever waits.

import type { Instant } from '@shadownet/primitives';
import { PROTOCOL } from '@shadownet/policy';
import { TCP_FLAG } from './packet-headers.js';

const WAYS = 8;
/** version, incarnation, ports, protocol, last seen going out, last seen coming in; two are spare, so that a bucket is 4 cache lines. */
const ENTRY_WORDS = 8;
const VERSION = 0;
const INCARNATION = 1;
const PORTS = 2;
const KIND = 3;
const SEEN_OUT = 4;
const SEEN_IN = 5;
/** In front of the buckets: entries that had to make room while they lived. */
const HEADER_WORDS = 16;
const EVICTED = 0;

/** Bytes of a table of so many entries, which are a power of two and at least 8. */
export function flowTableBytes(entries: number): number {
  return (HEADER_WORDS + entries * ENTRY_WORDS) * 4;
}

/** Fragments that wait for their datagram's rest are kept like flows; their kind is the protocol and this. */
export const FRAGMENT_KIND = 0x100;

/** How long a flow without packets is remembered, in seconds. */
const TIMEOUT = {
  /** RFC 5382 REQ-5: two hours and four minutes. */
  tcpEstablished: 7440,
  /** RFC 5382 REQ-5: four minutes, for a connection that is not there yet, or ends. */
  tcpTransitory: 240,
  tcpReset: 10,
  /** RFC 4787 REQ-5: five minutes recommended. */
  udp: 300,
  /** RFC 5508 REQ-2. */
  icmp: 60,
  other: 300,
  /** RFC 8200 §4.5: as long as hosts wait for the rest of a datagram, and half of what they may. */
  fragment: 30,
} as const;

// A word of "last seen": seconds in 28 bits, and what was seen.
const SEEN = 1;
const SAW_FIN = 2;
const SAW_RST = 4;
const SEEN_SHIFT = 4;

export class FlowTable {
  readonly #words: Int32Array;
  readonly #mask: number;

  /** `byteOffset` is a multiple of 4. A new buffer is an empty table. */
  constructor(buffer: SharedArrayBuffer, byteOffset: number, entries: number) {
    this.#words = new Int32Array(buffer, byteOffset, flowTableBytes(entries) / 4);
    this.#mask = entries / WAYS - 1;
  }

  get evicted(): number {
    return Atomics.load(this.#words, EVICTED);
  }

  /**
   * A packet goes out: its flow begins, or goes on. `opens`: as if there had been none. A TCP segment that ends a connection which is not
   * known does not begin one.
   */
  noteOut(incarnation: number, kind: number, ports: number, tcpFlags: number, opens: boolean, now: Instant): void {
    const seconds = secondsOf(now);
    const entry = this.#find(incarnation, kind, ports);
    const seen = (seconds << SEEN_SHIFT) | SEEN | endOf(tcpFlags);
    if (entry >= 0 && !opens && this.#lives(entry, seconds)) {
      return this.#see(entry + SEEN_OUT, seen);
    }
    if (entry >= 0) {
      Atomics.store(this.#words, entry + SEEN_IN, 0);
      Atomics.store(this.#words, entry + SEEN_OUT, seen);
    } else if (endOf(tcpFlags) === 0) this.#insert(incarnation, kind, ports, seen, seconds);
  }

  /** A packet comes in: true if it belongs to a flow, which goes on by it. */
  noteIn(incarnation: number, kind: number, ports: number, tcpFlags: number, now: Instant): boolean {
    const seconds = secondsOf(now);
    const entry = this.#find(incarnation, kind, ports);
    if (entry < 0 || !this.#lives(entry, seconds)) return false;
    this.#see(entry + SEEN_IN, (seconds << SEEN_SHIFT) | SEEN | endOf(tcpFlags));
    return true;
  }

  has(incarnation: number, kind: number, ports: number, now: Instant): boolean {
    const entry = this.#find(incarnation, kind, ports);
    return entry >= 0 && this.#lives(entry, secondsOf(now));
  }

  /** Keeps that an end was seen. Written once a second at most, so that a busy flow's cache line stays where it is read. */
  #see(at: number, seen: number): void {
    const before = Atomics.load(this.#words, at);
    const ends = before & (SAW_FIN | SAW_RST);
    if ((seen | ends) !== before) Atomics.store(this.#words, at, seen | ends);
  }

  #insert(incarnation: number, kind: number, ports: number, seen: number, seconds: number): void {
    const words = this.#words;
    const entry = this.#findRoom(incarnation, kind, ports, seconds);
    const version = Atomics.load(words, entry + VERSION);
    // Somebody else writes here: the next packet of the flow tries again.
    if ((version & 1) !== 0) return;
    if (Atomics.compareExchange(words, entry + VERSION, version, version + 1) !== version) return;
    if (this.#lives(entry, seconds)) Atomics.add(words, EVICTED, 1);
    Atomics.store(words, entry + INCARNATION, incarnation | 0);
    Atomics.store(words, entry + PORTS, ports | 0);
    Atomics.store(words, entry + KIND, kind);
    Atomics.store(words, entry + SEEN_IN, 0);
    Atomics.store(words, entry + SEEN_OUT, seen);
    Atomics.store(words, entry + VERSION, (version + 2) | 0);
  }

  /** An entry that is free or dead, or else the one that was quiet the longest; those never answered go first. */
  #findRoom(incarnation: number, kind: number, ports: number, seconds: number): number {
    const first = this.#bucketOf(incarnation, kind, ports);
    let best = first;
    let bestScore = Infinity;
    for (let entry = first; entry < first + WAYS * ENTRY_WORDS; entry += ENTRY_WORDS) {
      if (!this.#lives(entry, seconds)) return entry;
      const isAnswered = Atomics.load(this.#words, entry + SEEN_IN) !== 0;
      const score = this.#lastSeen(entry) + (isAnswered ? TIMEOUT.tcpEstablished : 0);
      if (score < bestScore) [best, bestScore] = [entry, score];
    }
    return best;
  }

  /** The entry of this flow, dead or alive; -1 if there is none, or it is being changed. */
  #find(incarnation: number, kind: number, ports: number): number {
    const words = this.#words;
    const first = this.#bucketOf(incarnation, kind, ports);
    for (let entry = first; entry < first + WAYS * ENTRY_WORDS; entry += ENTRY_WORDS) {
      const version = Atomics.load(words, entry + VERSION);
      if (
        (version & 1) === 0 &&
        Atomics.load(words, entry + PORTS) === (ports | 0) &&
        Atomics.load(words, entry + INCARNATION) === (incarnation | 0) &&
        Atomics.load(words, entry + KIND) === kind &&
        Atomics.load(words, entry + VERSION) === version
      )
        return entry;
    }
    return -1;
  }

  #lives(entry: number, seconds: number): boolean {
    const words = this.#words;
    const [out, into] = [Atomics.load(words, entry + SEEN_OUT), Atomics.load(words, entry + SEEN_IN)];
    if (out === 0) return false;
    const timeout = timeoutOf(Atomics.load(words, entry + KIND), into !== 0, out | into);
    return seconds - this.#lastSeen(entry) <= timeout;
  }

  #lastSeen(entry: number): number {
    const out = Atomics.load(this.#words, entry + SEEN_OUT) >>> SEEN_SHIFT;
    return Math.max(out, Atomics.load(this.#words, entry + SEEN_IN) >>> SEEN_SHIFT);
  }

  #bucketOf(incarnation: number, kind: number, ports: number): number {
    let hash = Math.imul(incarnation ^ Math.imul(kind, 0x9e37_79b1), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ ports, 0xc2b2_ae35);
    hash ^= hash >>> 16;
    return HEADER_WORDS + (hash & this.#mask) * WAYS * ENTRY_WORDS;
  }
}

function timeoutOf(kind: number, answered: boolean, seen: number): number {
  if (kind >= FRAGMENT_KIND) return TIMEOUT.fragment;
  switch (kind) {
    case PROTOCOL.tcp:
      if ((seen & SAW_RST) !== 0) return TIMEOUT.tcpReset;
      return answered && (seen & SAW_FIN) === 0 ? TIMEOUT.tcpEstablished : TIMEOUT.tcpTransitory;
    case PROTOCOL.udp:
      return TIMEOUT.udp;
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6:
      return TIMEOUT.icmp;
    default:
      return TIMEOUT.other;
  }
}

function secondsOf(now: Instant): number {
  return Math.floor(now / 1000) & 0x0fff_ffff;
}

function endOf(tcpFlags: number): number {
  return ((tcpFlags & TCP_FLAG.fin) !== 0 ? SAW_FIN : 0) | ((tcpFlags & TCP_FLAG.rst) !== 0 ? SAW_RST : 0);
}

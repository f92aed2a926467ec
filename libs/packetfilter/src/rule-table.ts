// The rules of one node's packet filter as words in shared memory: its own addresses, and for each peer what may come from it and go
// to it. Built whole and never changed (concurrency rule 9). Sets that peers share are there once.
//
//   word 0        peers: the numbers that have a place
//   word 1, 2     how many IPv4 and IPv6 addresses follow, of 1 and 4 words
//   3 per peer    incarnation (0: no such peer), where its inbound and its outbound set begin
//   a set         count, then first and last of each interval (traffic-set.ts of libs/policy), sorted

import type { TrafficSet } from '@shadownet/policy';
import type { IpAddress } from '@shadownet/primitives';

export interface FilterRules {
  /** Ours. What comes for others is not let in. */
  readonly addresses: readonly IpAddress[];
  readonly peers: readonly PeerRules[];
}

export interface PeerRules {
  /** By which the engine knows the peer. */
  readonly number: number;
  /** 1…2^32 - 1, of this peer only as long as the process lives: numbers are used again, and flows must not pass to another. */
  readonly incarnation: number;
  /** What the peer may open towards us. */
  readonly inbound: TrafficSet;
  /** What we may open towards the peer. */
  readonly outbound: TrafficSet;
}

const HEADER_WORDS = 3;
const PEER_WORDS = 3;

export function buildRuleTable({ addresses, peers }: FilterRules): SharedArrayBuffer {
  const places = peers.reduce((most, { number }) => Math.max(most, number + 1), 0);
  const [v4, v6] = [4, 6].map((family) => addresses.filter((address) => address.family === family));
  const peersAt = HEADER_WORDS + v4!.length + 4 * v6!.length;
  const words = [places, v4!.length, v6!.length, ...v4!.flatMap(addressWords), ...v6!.flatMap(addressWords)];
  for (let i = 0; i < places * PEER_WORDS; i++) words.push(0);
  const setsAt = new Map<string, number>();
  const placeSet = (set: TrafficSet): number => {
    const key = set.join(';');
    const known = setsAt.get(key);
    if (known !== undefined) return known;
    const at = words.length;
    setsAt.set(key, at);
    words.push(set.length, ...set.flat());
    return at;
  };
  for (const { number, incarnation, inbound, outbound } of peers) {
    const at = peersAt + number * PEER_WORDS;
    [words[at], words[at + 1], words[at + 2]] = [incarnation, placeSet(inbound), placeSet(outbound)];
  }
  const buffer = new SharedArrayBuffer(words.length * 4);
  new Uint32Array(buffer).set(words);
  return buffer;
}

/** The table as it is read, without an allocation. */
export class RuleTable {
  readonly #words: Uint32Array;
  readonly #v6At: number;
  readonly #peersAt: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Uint32Array(buffer);
    this.#v6At = HEADER_WORDS + this.#words[1]!;
    this.#peersAt = this.#v6At + 4 * this.#words[2]!;
  }

  /** 0 if there is no such peer. */
  incarnationOf(peer: number): number {
    return peer < this.#words[0]! ? this.#words[this.#peersAt + peer * PEER_WORDS]! : 0;
  }

  /** May the peer open this towards us? */
  mayEnter(peer: number, point: number): boolean {
    return this.#contains(this.#words[this.#peersAt + peer * PEER_WORDS + 1]!, point);
  }

  /** May we open this towards the peer? */
  mayLeave(peer: number, point: number): boolean {
    return this.#contains(this.#words[this.#peersAt + peer * PEER_WORDS + 2]!, point);
  }

  isOwnAddress(family: 4 | 6, view: DataView, at: number): boolean {
    const words = this.#words;
    if (family === 4) {
      const address = view.getUint32(at);
      for (let i = HEADER_WORDS; i < this.#v6At; i++) if (words[i] === address) return true;
      return false;
    }
    for (let i = this.#v6At; i < this.#peersAt; i += 4) {
      let same = 0;
      while (same < 4 && words[i + same] === view.getUint32(at + 4 * same)) same++;
      if (same === 4) return true;
    }
    return false;
  }

  /** Looks for the last interval that does not begin behind the point. */
  #contains(set: number, point: number): boolean {
    const words = this.#words;
    let low = 0;
    let high = words[set]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (words[set + 1 + 2 * middle]! <= point) low = middle + 1;
      else high = middle;
    }
    return low > 0 && point <= words[set + 2 * low]!;
  }
}

function addressWords({ bytes }: IpAddress): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i));
}

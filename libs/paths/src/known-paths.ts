// By which paths the peer might be reached: candidates that the network map and the peer's calls name, addresses that it was
// heard from, and the relay. PathAgent owns one.

import {
  type Endpoint,
  type IpPrefix,
  type Path,
  pathsEqual,
  type RelayPath,
  type UdpPath,
} from '@shadownet/primitives';
import { type Candidate, isUsableCandidate } from './candidate.js';
import { type CandidateEntry, CandidateTable, PathEntry, type RelayEntry } from './candidate-table.js';

export class KnownPaths {
  readonly #overlay: readonly IpPrefix[];
  readonly #table = new CandidateTable();
  #named: Readonly<Record<CandidateSource, readonly Candidate[]>> = { call: [], map: [] };
  #relay: RelayEntry | undefined;

  /** `overlay`: ranges of the mesh itself. */
  constructor(overlay: readonly IpPrefix[]) {
    this.#overlay = overlay;
  }

  get candidates(): readonly CandidateEntry[] {
    return this.#table.entries;
  }

  get relay(): RelayEntry | undefined {
    return this.#relay;
  }

  /** False, and nothing changes, if that is the relay already. */
  setRelay(path: RelayPath | undefined): boolean {
    if (path && this.isRelay(path)) return false;
    this.#relay = path && new PathEntry(path);
    return true;
  }

  isRelay(path: Path): boolean {
    return this.#relay !== undefined && pathsEqual(path, this.#relay.path);
  }

  isUsable(endpoint: Endpoint): boolean {
    return isUsableCandidate(endpoint, this.#overlay);
  }

  /** Replaces what `source` named. Returns what is new among all that counts; the entry in use stays. */
  replaceNamed(
    source: CandidateSource,
    candidates: readonly Candidate[],
    inUse: CandidateEntry | undefined,
  ): CandidateEntry[] {
    this.#named = { ...this.#named, [source]: candidates };
    // What the peer says itself is the latest, and counts first where there are more than fit.
    const usable = [...this.#named.call, ...this.#named.map].filter(({ endpoint }) => this.isUsable(endpoint));
    return this.#table.announce(usable, inUse);
  }

  /** The peer was heard from there. */
  learn(path: UdpPath, inUse: CandidateEntry | undefined): { readonly entry: CandidateEntry; readonly added: boolean } {
    return this.#table.learn(path, inUse);
  }

  /** Drops what was learnt on these sockets, which are closed. */
  forgetSockets(sockets: readonly number[]): void {
    this.#table.forgetSockets(sockets);
  }

  candidate(path: UdpPath): CandidateEntry | undefined {
    return this.#table.get(path);
  }

  /** A candidate's entry or the relay's. */
  entry(path: Path): PathEntry | undefined {
    if (path.kind === 'udp') return this.#table.get(path);
    return this.isRelay(path) ? this.#relay : undefined;
  }
}

/** The network map of the control plane, or a call of the peer itself. */
export type CandidateSource = 'map' | 'call';

// Under which session, key and path a worker may send to a peer: concurrency rules 2, 3 and 8. A session is read, the key goes
// into the cipher context, counters are reserved, and only if the session is still alive behind all that may they be used.
// Used by transmit-worker.ts; nonce-gate.spec.ts runs it against stalls at every access.

import { durationBetween, type Instant } from '@shadownet/primitives';
import { type PeerCells, REJECT_AFTER_TIME, type SessionRef, type SessionTable } from '@shadownet/wireguard';

/** The cipher context of the thread. */
export interface KeyContext {
  /** Copies 32 bytes. */
  setKey(key: Uint8Array): void;
  forgetKey(): void;
}

/** What was found out of a peer; valid until `forget`. */
export interface Destination {
  readonly peer: number;
  readonly session: SessionRef;
  readonly createdAt: Instant;
  readonly remoteIndex: number;
  readonly pathEntry: number;
}

export class SendingSessions {
  readonly #sessions: SessionTable;
  readonly #peers: PeerCells;
  readonly #context: KeyContext;
  /** Whose key the context holds. */
  #keyOf: SessionRef | undefined;
  #last: Destination | undefined;

  constructor(sessions: SessionTable, peers: PeerCells, context: KeyContext) {
    this.#sessions = sessions;
    this.#peers = peers;
    this.#context = context;
  }

  /** Where packets for the peer go now; `undefined` without a path, or a session that may be sent with. */
  find(peer: number, now: Instant): Destination | undefined {
    const slot = this.#peers.currentSlot(peer);
    const pathEntry = this.#peers.pathEntry(peer);
    if (slot === undefined || pathEntry === undefined) return undefined;
    const last = this.#last;
    if (last?.peer === peer && last.session.slot === slot && last.pathEntry === pathEntry) {
      if (this.#sessions.isLive(last.session)) return ifNotExpired(last, now);
    }
    const session = this.#sessions.liveSession(slot);
    if (!session || this.#sessions.peer(session) !== peer) return undefined;
    this.#last = {
      peer,
      session,
      createdAt: this.#sessions.createdAt(session),
      remoteIndex: this.#sessions.remoteIndex(session),
      pathEntry,
    };
    return ifNotExpired(this.#last, now);
  }

  /** The first of `count` counters for the key that the context holds then; `undefined` if the session has ended. */
  reserve({ session }: Destination, count: number): bigint | undefined {
    const held = this.#keyOf;
    if (!held || held.slot !== session.slot || held.generation !== session.generation) {
      this.#keyOf = session;
      this.#context.setKey(this.#sessions.sendKey(session));
    }
    return this.#sessions.reserveCounters(session, count);
  }

  /** Lets go of everything, the key in the context first of all. */
  forget(): void {
    this.#context.forgetKey();
    this.#keyOf = undefined;
    this.#last = undefined;
  }
}

function ifNotExpired(destination: Destination, now: Instant): Destination | undefined {
  return durationBetween(destination.createdAt, now) < REJECT_AFTER_TIME ? destination : undefined;
}

// Which sessions of a peer are used for what (whitepaper §5.1 and the kernel's key pair rotation). The initiator may send as
// soon as it has the response; the responder only after the first packet under the new session, which proves that the
// initiator has it too. Until then the responder's new session is `next`.
//
// One more previous session is kept than elsewhere: when both ends rekey at the same moment each derives two sessions at
// once, and packets under the old one are still on their way.

import type { SessionRef } from './transport/session-table.js';

const MAX_PREVIOUS = 2;

export class PeerSessions {
  /** Derived as responder and not confirmed. */
  #next: SessionRef | undefined;
  /** The one to send with. */
  #current: SessionRef | undefined;
  /** Only received with, newest first. */
  #previous: SessionRef[] = [];

  get next(): SessionRef | undefined {
    return this.#next;
  }

  get current(): SessionRef | undefined {
    return this.#current;
  }

  get previous(): readonly SessionRef[] {
    return this.#previous;
  }

  get all(): SessionRef[] {
    return [this.#next, this.#current, ...this.#previous].filter((session) => session !== undefined);
  }

  /** The response has arrived. Returns the sessions that are not needed any more. */
  addAsInitiator(session: SessionRef): SessionRef[] {
    const superseded = [this.#next, this.#current].filter((other) => other !== undefined);
    this.#next = undefined;
    this.#current = session;
    return this.#demote(superseded);
  }

  /** The response was sent. Returns the sessions that are not needed any more. */
  addAsResponder(session: SessionRef): SessionRef[] {
    const unconfirmed = this.#next;
    this.#next = session;
    return unconfirmed ? [unconfirmed] : [];
  }

  /** A packet under `next` has arrived. Returns the sessions that are not needed any more. */
  confirmNext(): SessionRef[] {
    const superseded = this.#current ? [this.#current] : [];
    this.#current = this.#next;
    this.#next = undefined;
    return this.#demote(superseded);
  }

  /** The current session has become too old to send with. Returns the sessions that are not needed any more. */
  expireCurrent(): SessionRef[] {
    const expired = this.#current ? [this.#current] : [];
    this.#current = undefined;
    return this.#demote(expired);
  }

  /** Forgets all and returns them. */
  clear(): SessionRef[] {
    const all = this.all;
    this.#next = undefined;
    this.#current = undefined;
    this.#previous = [];
    return all;
  }

  #demote(superseded: SessionRef[]): SessionRef[] {
    const previous = [...superseded, ...this.#previous];
    this.#previous = previous.slice(0, MAX_PREVIOUS);
    return previous.slice(MAX_PREVIOUS);
  }
}

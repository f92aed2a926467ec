// The sessions of a relay, found by link, by channel and by identity, and ended when their time is over. There is at most one
// confirmed session per identity and per link, and one pending per link: a client may try several links at once.

import { type Instant, TimerQueue } from '@shadownet/primitives';
import { ChannelDirectory } from './channel-directory.js';
import type { ServerSession } from './server-session.js';

export class SessionRegistry {
  readonly channels = new ChannelDirectory((channel) => this.#byChannel[channel] !== undefined);
  readonly #byLink = new Map<string, ServerSession>();
  readonly #byIdentity = new Map<string, ServerSession>();
  readonly #byChannel: (ServerSession | undefined)[] = [];
  readonly #pendingByLink = new Map<string, ServerSession>();
  readonly #timers = new TimerQueue<ServerSession>();

  get size(): number {
    return this.#byLink.size;
  }

  get pendingSize(): number {
    return this.#pendingByLink.size;
  }

  confirmedAt(linkId: string): ServerSession | undefined {
    return this.#byLink.get(linkId);
  }

  pendingAt(linkId: string): ServerSession | undefined {
    return this.#pendingByLink.get(linkId);
  }

  of(identity: string): ServerSession | undefined {
    return this.#byIdentity.get(identity);
  }

  at(channel: number): ServerSession | undefined {
    return this.#byChannel[channel];
  }

  confirmed(): Iterable<ServerSession> {
    return this.#byLink.values();
  }

  pending(): Iterable<ServerSession> {
    return this.#pendingByLink.values();
  }

  /** Takes the place of what was pending on its link. */
  addPending(session: ServerSession): void {
    const other = this.#pendingByLink.get(session.link.id);
    if (other) this.remove(other);
    this.#pendingByLink.set(session.link.id, session);
    this.#timers.lookAt(session, session.nextDeadline());
  }

  /** The sessions whose place it takes have to be removed first. */
  confirm(session: ServerSession): void {
    this.#pendingByLink.delete(session.link.id);
    session.confirm();
    this.#byLink.set(session.link.id, session);
    this.#byIdentity.set(session.identity, session);
    this.#byChannel[session.channel] = session;
    this.#timers.lookAt(session, session.nextDeadline());
  }

  /** Zeroes its keys. */
  remove(session: ServerSession): void {
    if (session.isPending) this.#pendingByLink.delete(session.link.id);
    else {
      this.#byLink.delete(session.link.id);
      this.#byIdentity.delete(session.identity);
      this.#byChannel[session.channel] = undefined;
    }
    this.#timers.delete(session);
    session.zero();
  }

  first(): { readonly owner: ServerSession; readonly at: Instant } | undefined {
    return this.#timers.first();
  }
}

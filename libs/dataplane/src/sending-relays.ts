// Under which relay session a worker may send by a path: concurrency rules 1, 2 and 8, as sending-sessions.ts has them for WireGuard
// sessions. Counters are reserved behind a look at the session, and used only if it is still alive; its key stays where it is
// until the worker has passed an epoch. Used by transmit-worker.ts; relay-gate.spec.ts runs it against stalls at every access.

import type { SipHashKey } from '@shadownet/crypto';
import type { RelaySessionRef, RelaySessionTable } from '@shadownet/relay';
import type { PathTable } from '@shadownet/wireguard';

/** How frames leave by a path; valid until `forget`. */
export interface RelayDestination {
  readonly session: RelaySessionRef;
  readonly channel: number;
  /** In shared memory. */
  readonly key: SipHashKey;
}

export class SendingRelays {
  readonly #byEntry = new Map<number, RelayDestination | undefined>();

  constructor(
    private readonly table: RelaySessionTable,
    private readonly paths: Pick<PathTable, 'relay'>,
  ) {}

  /** The relay of a path entry that the worker holds; `undefined` if it leads straight to the peer. */
  find(entry: number): RelayDestination | undefined {
    if (this.#byEntry.has(entry)) return this.#byEntry.get(entry);
    const origin = this.paths.relay(entry);
    const destination = origin && { ...origin, key: this.table.sendKey(origin.session) };
    this.#byEntry.set(entry, destination);
    return destination;
  }

  /** The first of `count` counters of the session; `undefined` if it has ended. */
  reserve({ session }: RelayDestination, count: number): number | undefined {
    return this.table.reserveCounters(session, count);
  }

  forget(): void {
    this.#byEntry.clear();
  }
}

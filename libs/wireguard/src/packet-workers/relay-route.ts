// How packet workers carry what goes by a relay: under a relay session, which they find in a table of libs/relay by slot and
// generation, with a channel that stands for the peer. This lib only knows which peer's packets go that way.

import type { Endpoint, RelayPath } from '@shadownet/primitives';

/** By which relay session, and of whom or for whom. */
export interface RelayOrigin {
  readonly session: { readonly slot: number; readonly generation: number };
  readonly channel: number;
}

export interface RelayRoute extends RelayOrigin {
  /** Of the relay, by UDP. */
  readonly remote: Endpoint;
}

/** What the relay client knows: asked on the main thread, whenever a path is published or a worker has heard from elsewhere. */
export interface RelayRoutes {
  /** Undefined if only the core can send by the path: over a WebSocket, or while the relay has not named the peer's channel. */
  routeOf(path: RelayPath): RelayRoute | undefined;
  /** Undefined once the session has ended. */
  pathOf(origin: RelayOrigin): RelayPath | undefined;
}

export function originsEqual(a: RelayOrigin | undefined, b: RelayOrigin | undefined): boolean {
  if (!a || !b) return a === b;
  const isSameSession = a.session.slot === b.session.slot && a.session.generation === b.session.generation;
  return isSameSession && a.channel === b.channel;
}

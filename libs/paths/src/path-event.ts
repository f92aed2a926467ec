// What the path agent tells its owner.

import type { Duration, Instant, Path } from '@shadownet/primitives';

export type SearchReason =
  | 'started'
  | 'path-lost'
  | 'retry'
  | 'new-candidates'
  | 'sign-of-life'
  /** Data goes out after a time of quiet. */
  | 'traffic'
  /** The peer searches, and has said so. */
  | 'called';

/** What made a path suspect before its probes stayed unanswered; or what else ended it. */
export type LossReason =
  | 'keepalive-unanswered'
  | 'data-unanswered'
  /** The peer had been sending, and then nothing came. */
  | 'data-stopped'
  | 'peer-moved'
  | 'check-requested'
  | 'peer-searches'
  /** It carries probes, but no full-sized data. */
  | 'full-size-lost'
  /** No data for some minutes: nothing is kept up. */
  | 'idle'
  | 'relay-gone';

export type PathEvent =
  /** Data goes this way from now on. Without an RTT it is a relay that was not measured yet. */
  | { readonly kind: 'path-selected'; readonly path: Path; readonly rtt: Duration | undefined }
  /** Unless another one is selected with the next event, there is none. */
  | { readonly kind: 'path-lost'; readonly path: Path; readonly reason: LossReason }
  /** Data and probes stay unanswered on the current path: an address may have changed, ours or the peer's. */
  | { readonly kind: 'path-in-doubt'; readonly path: Path }
  | { readonly kind: 'search-started'; readonly reason: SearchReason }
  | { readonly kind: 'search-paused'; readonly retryAt: Instant }
  /** A measurement of the current path, smoothed. */
  | { readonly kind: 'rtt'; readonly path: Path; readonly rtt: Duration }
  /** The answer to a `ping`. */
  | { readonly kind: 'pong'; readonly path: Path; readonly rtt: Duration }
  /** The largest datagram that the current path is known to carry, and the smallest one known to get lost on it. */
  | {
      readonly kind: 'path-mtu';
      readonly path: Path;
      readonly provenBytes: number;
      readonly losesBytes: number | undefined;
    }
  /** "Call me maybe", for the control server to hand to the peer: no relay reaches it. */
  | { readonly kind: 'call-by-control'; readonly message: Uint8Array }
  /** Open so many further sockets, and hand them to `useSockets`. */
  | { readonly kind: 'sockets-wanted'; readonly count: number }
  /** Close these. */
  | { readonly kind: 'sockets-unneeded'; readonly sockets: readonly number[] };

// What the path agent tells its owner.

import type { Duration, Instant, UdpPath } from '@shadownet/primitives';

export type SearchReason = 'started' | 'path-lost' | 'retry' | 'new-candidates' | 'sign-of-life';

/** What made a path suspect before its probes stayed unanswered. */
export type LossReason = 'keepalive-unanswered' | 'data-unanswered' | 'peer-moved' | 'check-requested';

export type PathEvent =
  | { readonly kind: 'path-selected'; readonly path: UdpPath; readonly rtt: Duration }
  | { readonly kind: 'path-lost'; readonly path: UdpPath; readonly reason: LossReason }
  | { readonly kind: 'search-started'; readonly reason: SearchReason }
  | { readonly kind: 'search-paused'; readonly retryAt: Instant }
  /** A measurement of the current path, smoothed. */
  | { readonly kind: 'rtt'; readonly path: UdpPath; readonly rtt: Duration };

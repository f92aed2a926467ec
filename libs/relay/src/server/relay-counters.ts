// What a relay counts. Each refused frame has its reason.

export const DROP_REASONS = [
  'malformed',
  'hello-rate',
  'connect-rate',
  'bad-cookie',
  'bad-identity',
  'bad-proof',
  'stale-connect',
  'refused',
  'no-session',
  'bad-tag',
  'replayed',
  'rate-limited',
  'not-forwardable',
  'no-receiver',
  'unexpected-type',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface RelayCounters {
  /** Hellos answered. */
  challenges: number;
  accepted: number;
  /** Sessions whose client has shown that it has the keys. */
  confirmed: number;
  ended: number;
  forwardedFrames: number;
  /** Payload, without headers. */
  forwardedBytes: number;
  readonly dropped: Record<DropReason, number>;
}

export function newRelayCounters(): RelayCounters {
  const dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  return { challenges: 0, accepted: 0, confirmed: 0, ended: 0, forwardedFrames: 0, forwardedBytes: 0, dropped };
}

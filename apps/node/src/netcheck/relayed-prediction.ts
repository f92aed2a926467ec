// How far two hosts are from each other by relay, from what both netchecks measured: each sends to the other one's home relay, which is
// the nearest to that one. Pure; used by `what-if`.

import type { Netcheck, NetcheckRelay } from '@shadownet/contracts';

export interface RelayedPrediction {
  /** There and back, in milliseconds; null if a way is missing. */
  readonly relayed_rtt_ms: number | null;
  /** The home relays of both. */
  readonly relays: readonly [string | null, string | null];
}

/** Undefined where one of the netchecks knows of no relays, as without a control server. */
export function predictRelayed(a: Netcheck, b: Netcheck): RelayedPrediction | undefined {
  if (a.relays.length === 0 || b.relays.length === 0) return undefined;
  const relays = [a.nearest_relay, b.nearest_relay] as const;
  const [homeA, homeB] = relays;
  // A round trip to a relay is twice one way: there by B's home, back by A's.
  const legs = [rttTo(a, homeB), rttTo(b, homeB), rttTo(b, homeA), rttTo(a, homeA)];
  const sum = legs.reduce<number | null>((total, rtt) => (total === null || rtt === null ? null : total + rtt), 0);
  return { relayed_rtt_ms: sum === null ? null : Math.round((sum / 2) * 1000) / 1000, relays };
}

function rttTo({ relays }: Netcheck, id: string | null): number | null {
  const relay = relays.find((one) => one.id === id);
  return relay ? fastest(relay) : null;
}

/** By UDP if it answers so, as a node prefers it. */
function fastest({ udp, websocket }: NetcheckRelay): number | null {
  const rtts = udp.flatMap(({ rtt_ms: rtt }) => rtt ?? []);
  return rtts.length > 0 ? Math.min(...rtts) : (websocket?.rtt_ms ?? null);
}

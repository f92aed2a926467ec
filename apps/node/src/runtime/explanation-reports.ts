// What heartbeats say of why paths are what they are: explanations that are others than the control server last answered to, a few at
// a time. By codes and facts; the words are the server's own.

import { type ExplanationReport, MAX_ATTEMPTS, MAX_EXPLANATIONS, type PathExplanation } from '@shadownet/contracts';
import { type Attempt, explain, type Explanation, type Recording } from '@shadownet/paths';
import { encodePublicKey, type PublicKey } from '@shadownet/primitives';

/** Peers looked at for one heartbeat, in turns: an explanation costs some 10 µs, and heartbeats come every two seconds at times. */
const MAX_EXAMINED = 64;

export class ExplanationReports {
  /** What was answered to, by the peer's key: the part that makes it another explanation. */
  readonly #answered = new Map<string, string>();
  #next = 0;

  /** The explanations that changed, as far as it is their turn, and what to call when the server has answered to them. */
  collect(
    peers: readonly PublicKey[],
    recordingOf: (peer: PublicKey) => Recording | undefined,
  ): { reports: ExplanationReport[]; answered: () => void } {
    const changed = new Map<string, { report: ExplanationReport; text: string }>();
    const examined = Math.min(MAX_EXAMINED, peers.length);
    const start = this.#next % Math.max(1, peers.length);
    let looked = 0;
    for (; looked < examined && changed.size < MAX_EXPLANATIONS; looked++) {
      const peer = peers[(start + looked) % peers.length]!;
      const recording = recordingOf(peer);
      if (!recording || recording.entries.length === 0) continue;
      const key = encodePublicKey(peer);
      const explanation = explanationMessage(explain(recording));
      const text = comparableText(explanation);
      if (this.#answered.get(key) !== text) changed.set(key, { report: { public_key: key, explanation }, text });
    }
    this.#next = start + looked;
    this.#forgetOthersThan(peers);
    return {
      reports: [...changed.values()].map(({ report }) => report),
      answered: () => {
        for (const [key, { text }] of changed) this.#answered.set(key, text);
      },
    };
  }

  /** The server may have forgotten everything. */
  reset(): void {
    this.#answered.clear();
  }

  #forgetOthersThan(peers: readonly PublicKey[]): void {
    if (this.#answered.size <= peers.length) return;
    const present = new Set<string>(peers.map(encodePublicKey));
    for (const key of this.#answered.keys()) if (!present.has(key)) this.#answered.delete(key);
  }
}

function explanationMessage({ path, reason, nats, attempts }: Explanation): PathExplanation {
  return { path, reason, nats: nats ?? null, attempts: attempts.slice(0, MAX_ATTEMPTS).map(attemptMessage) };
}

function attemptMessage({ path, kind, result, probes, rtt }: Attempt): PathExplanation['attempts'][number] {
  const isTimely = rtt !== null && rtt <= MAX_RTT_MS;
  return { kind, endpoint: kind === 'relay' ? null : path, result, probes, rtt_ms: isTimely ? rtt : null };
}

/** What the schema takes. */
const MAX_RTT_MS = 60_000;

/** Numbers of probes and their times change all the time by themselves. */
function comparableText({ attempts, ...explanation }: PathExplanation): string {
  return JSON.stringify({
    ...explanation,
    attempts: attempts.map(({ kind, endpoint, result }) => ({ kind, endpoint, result })),
  });
}

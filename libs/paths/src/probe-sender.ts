// Sends a path agent's probes and calls: within the limits of each destination, counted and recorded. PathAgent owns one.

import type { Instant, Path, RelayPath } from '@shadownet/primitives';
import type { Call } from './call.js';
import type { PathEntry } from './candidate-table.js';
import type { DestinationLimiter } from './destination-limiter.js';
import type { PathCounters } from './path-agent-types.js';
import type { PathJournal } from './path-journal.js';
import type { PathOutput } from './path-output.js';
import type { ProbeExchange, ProbeKind } from './probe-exchange.js';

export class ProbeSender {
  constructor(
    private readonly exchange: ProbeExchange,
    private readonly limiter: DestinationLimiter,
    private readonly journal: PathJournal,
    private readonly counters: PathCounters,
  ) {}

  probeAll(entries: readonly PathEntry[], now: Instant, out: PathOutput): void {
    for (const entry of entries) this.probe(entry, now, out);
  }

  /** Nothing is sent if the destination's limit holds it back. */
  probe(entry: PathEntry, now: Instant, out: PathOutput): void {
    if (!this.limiter.admit(entry.path, now)) {
      this.counters.probesHeldBack += 1;
      return;
    }
    entry.unanswered += 1;
    this.send(entry.path, {}, now, out);
  }

  /** A probe that is not limited by its destination: its number is bounded elsewhere. */
  send(path: Path, kind: ProbeKind, now: Instant, out: PathOutput): void {
    this.counters.probesSent += 1;
    if (!kind.isGuess && kind.bytes === undefined) this.journal.noteProbe(path, now);
    this.exchange.sendRequest(path, kind, now, out);
  }

  /** "Call me maybe": asks the peer to probe us now. */
  call(relay: RelayPath, call: Call, out: PathOutput): void {
    out.datagram(this.encodeCall(call), relay);
  }

  /** The same for another carrier than a relay. */
  encodeCall(call: Call): Uint8Array {
    this.counters.callsSent += 1;
    return this.exchange.encodeCall(call);
  }
}

// "Call me maybe", both ways: our calls to the peer by the relay or the control server, the peer's to us, and what both say of
// their NATs. PathAgent owns one.

import { type Instant, TokenBucket } from '@shadownet/primitives';
import { type Call, decodeCall } from './call.js';
import type { KnownPaths } from './known-paths.js';
import { type NatPair, type NatTraits, UNKNOWN_NAT } from './nat-traits.js';
import { CALL_LIMITS } from './path-constants.js';
import type { PathJournal } from './path-journal.js';
import type { PathOutput } from './path-output.js';
import type { ProbeSender } from './probe-sender.js';

export type ReceivedCall =
  | { readonly ok: true; readonly call: Call }
  | { readonly ok: false; readonly reason: 'malformed-call' | 'calls-limited' };

export class PeerCalls {
  readonly #limiter = new TokenBucket(CALL_LIMITS);
  readonly #controlLimiter = new TokenBucket(CALL_LIMITS);
  #remoteNat: NatTraits = UNKNOWN_NAT;

  /** `ownCall`: what our calls tell at that moment. */
  constructor(
    private readonly ownCall: () => Call,
    private readonly paths: KnownPaths,
    private readonly sender: ProbeSender,
    private readonly journal: PathJournal,
  ) {}

  /** Asks the peer to probe us now. */
  send(now: Instant, out: PathOutput): void {
    const { relay } = this.paths;
    if (relay) this.sender.call(relay.path, this.ownCall(), out);
    else this.sendByControl(now);
  }

  /** Has the owner ask the control server, as often as the peer would listen. */
  sendByControl(now: Instant): void {
    if (!this.#controlLimiter.take(now)) return;
    this.journal.tell({ kind: 'call-by-control', message: this.sender.encodeCall(this.ownCall()) });
  }

  /** An authentic call of the peer. */
  receive(value: Uint8Array, now: Instant): ReceivedCall {
    if (!this.#limiter.take(now)) return { ok: false, reason: 'calls-limited' };
    const call = decodeCall(value);
    if (!call) return { ok: false, reason: 'malformed-call' };
    this.#remoteNat = call.nat;
    return { ok: true, call };
  }

  /** As far as the peer's calls said. */
  get remoteNat(): NatTraits {
    return this.#remoteNat;
  }

  get nats(): NatPair {
    return { local: this.ownCall().nat, remote: this.#remoteNat };
  }
}

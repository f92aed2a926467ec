// How often nodes may call and be called: nobody can have many peers probe, nor have one peer probe without end.

import { type Instant, type RateLimits, TokenBucket } from '@shadownet/primitives';

/** A node that comes up without a relay calls each of its peers once. */
export const NODE_CALL_LIMITS: RateLimits = { burst: 64, perSecond: 8 };

/** What a path agent listens to of one peer (libs/paths). */
export const PAIR_CALL_LIMITS: RateLimits = { burst: 4, perSecond: 0.5 };

/** Callers, called ones and pairs that are remembered: below 10 MB. */
const MAX_BUCKETS = 65_536;

export class CallLimits {
  readonly #callers = new Buckets(NODE_CALL_LIMITS);
  readonly #called = new Buckets(NODE_CALL_LIMITS);
  readonly #pairs = new Buckets(PAIR_CALL_LIMITS);

  admitCaller(caller: string, now: Instant): boolean {
    return this.#callers.take(caller, now);
  }

  admitCall(caller: string, called: string, now: Instant): boolean {
    return this.#pairs.take(`${caller} ${called}`, now) && this.#called.take(called, now);
  }
}

class Buckets {
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(private readonly limits: RateLimits) {}

  take(key: string, now: Instant): boolean {
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      if (this.#buckets.size >= MAX_BUCKETS) this.#forgetFull(now);
      if (this.#buckets.size >= MAX_BUCKETS) return false;
      this.#buckets.set(key, (bucket = new TokenBucket(this.limits)));
    }
    return bucket.take(now);
  }

  #forgetFull(now: Instant): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key);
  }
}

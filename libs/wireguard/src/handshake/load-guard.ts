// What becomes of handshake messages while more of them come than the device can work off (whitepaper §5.3). A flood of
// forged ones must cost little, and whoever is genuine must still get through:
//
//   1. answers to us          whoever names the index of an initiation under way has read it: the usual budget for all of them
//   2. with a valid cookie    the sender receives at its address: so many for each source
//   3. from a peer's place    likewise, since only that peer suffers if somebody else claims to be there
//   4. from elsewhere         a few for each source and the usual budget for all together: a flood from few sources leaves it
//                             to others, and a genuine sender need not wait REKEY_TIMEOUT to come again with a cookie
//   5. all others             a cookie, of which only so many are sent
//
// Used by receive.ts.

import type { Instant, IpAddress } from '@shadownet/primitives';
import { COOKIE_REPLY_LIMITS, PROVEN_SOURCE_LIMITS, UNPROVEN_SOURCE_LIMITS } from '../constants.js';
import { LoadDetector } from './load-detector.js';
import { RateLimiter, sourceKey } from './rate-limiter.js';
import { TokenBucket } from './token-bucket.js';

/** What can be known of a message before it costs anything; asked under load only. */
export interface MessageProof {
  readonly answersUs: () => boolean;
  /** Its mac2 is valid. */
  readonly hasCookie: () => boolean;
}

export type Admission = 'process' | 'send-cookie' | 'under-load' | 'rate-limited';

interface Budgets {
  readonly answers: TokenBucket;
  readonly unproven: TokenBucket;
  readonly cookies: TokenBucket;
}

export class LoadGuard {
  readonly #budgetPerSecond: number;
  readonly #load: LoadDetector;
  readonly #proven = new RateLimiter(PROVEN_SOURCE_LIMITS);
  readonly #unproven = new RateLimiter(UNPROVEN_SOURCE_LIMITS);
  /** How many peers are at a source. */
  readonly #peerPlaces = new Map<string, number>();
  #budgets: Budgets | undefined;

  /** `budgetPerSecond`: messages beyond which the device is under load. */
  constructor(budgetPerSecond: number) {
    this.#budgetPerSecond = budgetPerSecond;
    this.#load = new LoadDetector(budgetPerSecond);
  }

  /** A peer's path leads there from now on. */
  peerCame(place: IpAddress): void {
    const key = sourceKey(place);
    this.#peerPlaces.set(key, (this.#peerPlaces.get(key) ?? 0) + 1);
  }

  /** The reverse of an earlier peerCame. */
  peerLeft(place: IpAddress): void {
    const key = sourceKey(place);
    const count = (this.#peerPlaces.get(key) ?? 0) - 1;
    if (count > 0) this.#peerPlaces.set(key, count);
    else this.#peerPlaces.delete(key);
  }

  /** What to do with a message from `source` whose mac1 is valid. */
  admit(source: IpAddress, now: Instant, { answersUs, hasCookie }: MessageProof): Admission {
    if (!this.#load.charge(now)) return 'process';
    const budgets = (this.#budgets ??= this.#newBudgets(now));
    if (answersUs() && budgets.answers.take(now)) return 'process';
    if (hasCookie()) return this.#proven.allow(source, now) ? 'process' : 'rate-limited';
    if (this.#peerPlaces.has(sourceKey(source)) && this.#proven.allow(source, now)) return 'process';
    if (this.#unproven.allow(source, now) && budgets.unproven.take(now)) return 'process';
    return budgets.cookies.take(now) ? 'send-cookie' : 'under-load';
  }

  #newBudgets(now: Instant): Budgets {
    const perSecond = this.#budgetPerSecond;
    const usual = { perSecond, burst: Math.max(1, perSecond / 10) };
    return {
      answers: new TokenBucket(usual, now),
      unproven: new TokenBucket(usual, now),
      cookies: new TokenBucket(COOKIE_REPLY_LIMITS, now),
    };
  }
}

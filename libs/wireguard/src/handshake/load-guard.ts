// What becomes of handshake messages while more of them come than the device can work off (whitepaper §5.3). A flood of
// forged ones must cost little, and whoever is genuine must still get through:
//
//   1. answers to us          whoever names the index of an initiation under way has read it: the usual budget for all of them
//   2. with a valid cookie    the sender receives at its address: so many for each source
//   3. from a peer's place    likewise, since only that peer suffers if somebody else claims to be there
//   4. from elsewhere         a few for each source and the usual budget for all together: a flood from few sources leaves it
//                             to others, and a genuine sender need not wait REKEY_TIMEOUT to come again with a cookie
//   5. all others             a cookie, of which only so many are sent, to sources first that have not had any lately
//
// Used by receive.ts on the main thread, and by the receive workers of libs/dataplane before a message gets there.

import { type Instant, type IpAddress, type RateLimits, TokenBucket } from '@shadownet/primitives';
import {
  COOKIE_REPLIES_TAKEN,
  COOKIE_REPLY_LIMITS,
  COOKIE_SOURCE_LIMITS,
  PROVEN_SOURCE_LIMITS,
  SPARE_COOKIE_LIMITS,
  UNPROVEN_SOURCE_LIMITS,
} from '../constants.js';
import type { HandshakeCells } from '../packet-workers/handshake-cells.js';
import { RateLimiter } from './rate-limiter.js';

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
  readonly spareCookies: TokenBucket;
}

export class LoadGuard {
  readonly #cells: HandshakeCells;
  readonly #guards: number;
  readonly #proven = new RateLimiter(PROVEN_SOURCE_LIMITS);
  readonly #unproven = new RateLimiter(UNPROVEN_SOURCE_LIMITS);
  readonly #askedForCookie = new RateLimiter(COOKIE_SOURCE_LIMITS);
  readonly #replies: TokenBucket;
  #budgets: Budgets | undefined;

  /** `guards`: how many of them share the budgets of one device, each with its part of what comes. */
  constructor(cells: HandshakeCells, guards = 1) {
    this.#guards = guards;
    this.#cells = cells;
    this.#replies = this.#part(COOKIE_REPLIES_TAKEN);
  }

  /** What to do with a message from `source` whose mac1 is valid. */
  admit(source: IpAddress, now: Instant, isUnderLoad: boolean, { answersUs, hasCookie }: MessageProof): Admission {
    if (!isUnderLoad) return 'process';
    const budgets = (this.#budgets ??= this.#newBudgets());
    if (answersUs() && budgets.answers.take(now)) return 'process';
    if (hasCookie()) return this.#proven.allow(source, now) ? 'process' : 'rate-limited';
    if (this.#cells.mayHavePeerAt(source) && this.#proven.allow(source, now)) return 'process';
    if (this.#unproven.allow(source, now) && budgets.unproven.take(now)) return 'process';
    const cookies = this.#askedForCookie.allow(source, now) ? budgets.cookies : budgets.spareCookies;
    return cookies.take(now) ? 'send-cookie' : 'under-load';
  }

  /** Whether to look at one more cookie reply, which has no mac1 to check but is hard to make up: it names an index of ours. */
  admitCookieReply(now: Instant): boolean {
    return this.#replies.take(now);
  }

  #newBudgets(): Budgets {
    const perSecond = this.#cells.handshakesPerSecond;
    const usual = { perSecond, burst: perSecond / 10 };
    return {
      answers: this.#part(usual),
      unproven: this.#part(usual),
      cookies: this.#part(COOKIE_REPLY_LIMITS),
      spareCookies: this.#part(SPARE_COOKIE_LIMITS),
    };
  }

  #part({ perSecond, burst }: RateLimits): TokenBucket {
    return new TokenBucket({ perSecond: perSecond / this.#guards, burst: Math.max(1, burst / this.#guards) });
  }
}

// What the receive worker lets through to the main thread of all that claims to be a handshake message: nothing without a valid
// mac1, no answers that nobody waits for, and under load only what the load guard admits (libs/wireguard). So a flood ends
// here, at a hash for each message, and the ring to the main thread does not overflow. Used by receive-worker.ts.

import type { MacProvider } from '@shadownet/crypto';
import { addDuration, durationBetween, type Endpoint, type Instant, instant } from '@shadownet/primitives';
import {
  type Admission,
  HandshakeCells,
  type HandshakeKeys,
  LoadGuard,
  MacChecker,
  type ReceiverIndexTable,
  UNDER_LOAD_TIME,
} from '@shadownet/wireguard';

import type { MessageRing } from './message-ring.js';

/** Whether and how a message goes to the main thread. Cookie replies are `unchecked`: they have no mac1 and cost a look-up. */
export type GateVerdict = Admission | 'unchecked' | 'no-private-key' | 'invalid-mac1' | 'unexpected';

/** How a verdict travels with its message: the tag in the ring. */
export const ADMISSION_TAG = { unchecked: 0, process: 1, 'send-cookie': 2 } as const;

/** The verdict of a worker by its tag; `undefined` if it was left to the core. */
export function admissionOf(tag: number): Admission | undefined {
  if (tag === ADMISSION_TAG.process) return 'process';
  return tag === ADMISSION_TAG['send-cookie'] ? 'send-cookie' : undefined;
}

/** A message that waits for so long, in ms, says that the main thread is under load, whatever it thinks itself. */
const MAX_BACKLOG_TIME = 25;

const TYPE = { response: 2, cookieReply: 3 } as const;
/** Where each has the index of ours that it answers. */
const RESPONSE_RECEIVER = 8;
const COOKIE_REPLY_RECEIVER = 4;

export interface HandshakeGateOptions {
  readonly crypto: MacProvider;
  /** HandshakeCells' buffer. */
  readonly cells: SharedArrayBuffer;
  readonly sessions: ReceiverIndexTable;
  /** Where messages wait for the main thread. */
  readonly ring: MessageRing;
  /** Gates that stand side by side. */
  readonly workers: number;
}

export class HandshakeGate {
  readonly #crypto: MacProvider;
  readonly #cells: HandshakeCells;
  readonly #guard: LoadGuard;
  readonly #sessions: ReceiverIndexTable;
  readonly #ring: MessageRing;
  #keys: HandshakeKeys | undefined;
  #checker: MacChecker | undefined;
  /** So many messages were in the ring when it was last found that the main thread keeps up. */
  #mark = 0;
  #markedAt = instant(0);
  #backlogUntil = instant(0);

  constructor({ crypto, cells, sessions, ring, workers }: HandshakeGateOptions) {
    this.#crypto = crypto;
    this.#cells = new HandshakeCells(cells);
    this.#guard = new LoadGuard(this.#cells, workers);
    this.#sessions = sessions;
    this.#ring = ring;
  }

  /** None while the device has no private key. The same ones again change nothing. */
  useKeys(keys: HandshakeKeys | undefined): void {
    if (keys === this.#keys) return;
    this.#keys?.cookieMaster.fill(0);
    this.#keys = keys;
    this.#checker?.zero();
    this.#checker = keys && new MacChecker(this.#crypto, keys);
  }

  /** On the handshake message of `length` bytes at `at`, which has its type's legal length. `source` is asked for if mac1 is valid. */
  judge(bytes: Uint8Array, at: number, length: number, source: () => Endpoint, now: Instant): GateVerdict {
    const type = bytes[at]!;
    if (type === TYPE.cookieReply) return this.#judgeReply(readIndex(bytes, at + COOKIE_REPLY_RECEIVER), now);
    const checker = this.#checker;
    if (!checker) return 'no-private-key';
    if (!checker.hasValidMac1(bytes, at, length)) return 'invalid-mac1';
    const isUnderLoad = this.#isBacklogged(now) || this.#cells.isUnderLoad(now);
    if (!isUnderLoad) return 'process';
    const from = source();
    return this.#guard.admit(from.address, now, isUnderLoad, {
      answersUs: () =>
        type === TYPE.response && this.#cells.mayHaveInitiation(readIndex(bytes, at + RESPONSE_RECEIVER)),
      hasCookie: () => checker.hasValidMac2(bytes.subarray(at, at + length), from, now),
    });
  }

  /** A cookie reply names a message of ours: an initiation under way, or a response, whose index is that of a session. */
  #judgeReply(index: number, now: Instant): GateVerdict {
    if (!this.#cells.mayHaveInitiation(index) && !this.#sessions.find(index)) return 'unexpected';
    return this.#guard.admitCookieReply(now) ? 'unchecked' : 'rate-limited';
  }

  /** Whether what was in the ring a while ago is there still. */
  #isBacklogged(now: Instant): boolean {
    if (this.#ring.hasRead(this.#mark)) {
      this.#mark = this.#ring.written;
      this.#markedAt = now;
    } else if (durationBetween(this.#markedAt, now) > MAX_BACKLOG_TIME) {
      this.#backlogUntil = addDuration(now, UNDER_LOAD_TIME);
    }
    return now < this.#backlogUntil;
  }
}

function readIndex(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

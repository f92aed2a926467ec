// What a device knows of one peer: its configuration, its handshake, its sessions, its timers and its totals.

import type { CryptoProvider } from '@shadownet/crypto';
import {
  type Duration,
  encodePublicKey,
  type Instant,
  milliseconds,
  type Path,
  type PublicKey,
  type PublicKeyText,
  Secret,
  type TimerQueue,
} from '@shadownet/primitives';
import { KEY_LENGTH, TIMESTAMP_LENGTH } from './constants.js';
import { CookieStore } from './handshake/cookie.js';
import type { PendingHandshake } from './handshake/handshake.js';
import { PeerSessions } from './peer-sessions.js';
import { PeerTimers } from './peer-timers.js';
import type { SessionIndex } from './session-index.js';
import { StagedPackets } from './staged-packets.js';

/** Our side of a handshake that we start. Attempts go on until there is a session or REKEY_ATTEMPT_TIME is over. */
export type HandshakeAttempt =
  | { readonly kind: 'idle' }
  /** Wanted, and held up: there is no path, or REKEY_TIMEOUT has not passed since the last handshake message. */
  | { readonly kind: 'wanted' }
  | {
      readonly kind: 'initiated';
      readonly pending: PendingHandshake;
      readonly localIndex: SessionIndex;
      /** The initiation as it was sent: on a new path the same one is sent again, it can count only once. */
      readonly message: Uint8Array;
    };

export class Peer {
  readonly publicKeyText: PublicKeyText;
  readonly cookies: CookieStore;
  readonly staged = new StagedPackets();
  readonly sessions = new PeerSessions();
  readonly timers: PeerTimers<Peer>;

  presharedKey: Secret = Secret.own(new Uint8Array(KEY_LENGTH));
  path: Path | undefined;
  /** Who seals and sends its packets where there are packet workers: they do, unless the owner of the path wants to see each. */
  sender: 'workers' | 'core' = 'workers';
  persistentKeepalive: Duration = milliseconds(0);
  handshake: HandshakeAttempt = { kind: 'idle' };

  /** DH(S_local, S_peer), made when it is first needed. Must go when the local key changes. */
  staticShared: Secret | undefined;
  /** The greatest timestamp in an initiation of this peer. */
  latestTimestamp: Uint8Array = new Uint8Array(TIMESTAMP_LENGTH);
  lastInitiationReceivedAt: Instant | undefined;
  /** Initiation or response: both hold back the next initiation for REKEY_TIMEOUT. */
  lastHandshakeSentAt: Instant | undefined;
  lastHandshakeAt: Instant | undefined;
  lastReport: { readonly path: Path; readonly at: Instant } | undefined;
  handshakeWantedReportedAt: Instant | undefined;

  /** Traffic outside of live sessions: handshake messages, and what ended sessions carried. */
  readonly totals: {
    rxBytes: number;
    txBytes: number;
    lastReceivedAt: Instant | undefined;
    lastSentAt: Instant | undefined;
  } = { rxBytes: 0, txBytes: 0, lastReceivedAt: undefined, lastSentAt: undefined };

  constructor(
    /** A number that stands for the peer in the session table. */
    readonly id: number,
    readonly publicKey: PublicKey,
    crypto: CryptoProvider,
    queue: TimerQueue<Peer>,
    jitter: () => Duration,
  ) {
    this.publicKeyText = encodePublicKey(publicKey);
    this.cookies = new CookieStore(crypto, publicKey);
    this.timers = new PeerTimers<Peer>(this, queue, jitter);
  }

  nextDeadline(): Instant | undefined {
    return this.timers.next()?.at;
  }

  /** Overwrites the secrets that belong to the peer itself; sessions and handshake are the device's to end. */
  zero(): void {
    this.presharedKey.zero();
    this.staticShared?.zero();
    this.staticShared = undefined;
  }
}

// The numbers of WireGuard. First the protocol's own (whitepaper §5.4 and §6.1), which both ends must agree on; then this
// implementation's choices, which nobody else can see.

import type { CryptoProvider } from '@shadownet/crypto';
import { type Duration, milliseconds, type RateLimits, seconds } from '@shadownet/primitives';

// ── The protocol ────────────────────────────────────────────────────────────────────────────────────────────────────

export const KEY_LENGTH = 32;
export const MAC_LENGTH = 16;
export const AEAD_TAG_LENGTH = 16;
export const COOKIE_NONCE_LENGTH = 24;
export const TIMESTAMP_LENGTH = 12;

/** Messages under one key before the key is replaced. */
export const REKEY_AFTER_MESSAGES = 1n << 60n;
/** Messages under one key before it refuses to send or receive another: counters below this number are valid. */
export const REJECT_AFTER_MESSAGES = (1n << 64n) - (1n << 13n) - 1n;
/** Age at which the initiator of a session replaces it when it sends. */
export const REKEY_AFTER_TIME: Duration = seconds(120);
/** Age at which a session neither sends nor receives any more. */
export const REJECT_AFTER_TIME: Duration = seconds(180);
/** How long a series of handshake attempts goes on before it gives up. */
export const REKEY_ATTEMPT_TIME: Duration = seconds(90);
/** The least time between two initiations to one peer. */
export const REKEY_TIMEOUT: Duration = seconds(5);
/** How long a receiver may stay silent before it sends an empty packet. */
export const KEEPALIVE_TIMEOUT: Duration = seconds(10);
/** How long a cookie, and the secret behind it, is valid. */
export const COOKIE_LIFETIME: Duration = seconds(120);

/** Age at which the initiator replaces a session when it receives: late enough for §6.2, early enough to end in time. */
export const REKEY_ON_RECEIVE_AFTER_TIME = (REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT) as Duration;
/** Sending for so long without any answer starts a handshake (§6.5). */
export const NO_ANSWER_TIMEOUT = (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT) as Duration;
/** Without a new session for so long, all key material of the peer is zeroed (§6.3). */
export const ZERO_KEYS_AFTER_TIME = (3 * REJECT_AFTER_TIME) as Duration;

// ── This implementation ─────────────────────────────────────────────────────────────────────────────────────────────

/** Added at random to retransmissions, so that two ends that started together drift apart (§6.1). */
export const MAX_TIMER_JITTER: Duration = milliseconds(334);
/** A responder answers one peer at most this often. */
export const INITIATIONS_PER_SECOND = 20;
/** Packets kept for a peer while it has no session or no path; the oldest goes first. */
export const MAX_STAGED_PACKETS = 128;

/** X25519 operations that it takes to answer an initiation: its ephemeral key, our own, and two secrets with that. */
export const OPERATIONS_PER_HANDSHAKE = 4;
/**
 * Handshakes per second that are processed without asking for a cookie: about a quarter of what one core can answer with each
 * provider.
 */
export const HANDSHAKE_BUDGET_PER_SECOND: Readonly<Record<CryptoProvider['name'], number>> = {
  evp: 1000,
  node: 200,
  noble: 30,
};
/** Once over the budget, the device asks for cookies for so long. */
export const UNDER_LOAD_TIME: Duration = seconds(1);
/** What one source with a valid cookie may send while the device is under load, and so may one at which a peer is known to be. */
export const PROVEN_SOURCE_LIMITS: RateLimits = { perSecond: 20, burst: 5 };
/**
 * What any other source may send without a cookie while the device is under load: enough for a peer that comes anew, whose
 * next attempt would be REKEY_TIMEOUT away, and so little that the thousands of sources of a flood are soon used up.
 */
export const UNPROVEN_SOURCE_LIMITS: RateLimits = { perSecond: 1 / 30, burst: 2 };
export const MAX_RATE_LIMITED_SOURCES = 8192;
/** Cookies sent under load to sources that were not sent any for a while: about 5 % of one core. Whoever gets none sends again. */
export const COOKIE_REPLY_LIMITS: RateLimits = { perSecond: 1000, burst: 200 };
/** Of those for one source. */
export const COOKIE_SOURCE_LIMITS: RateLimits = { perSecond: 1 / 30, burst: 2 };
/** To all other sources together: somebody may be behind an address that a flood pretends to come from. */
export const SPARE_COOKIE_LIMITS: RateLimits = { perSecond: 200, burst: 20 };

/** Cookie replies that are looked at: more initiations than that are not under way. */
export const COOKIE_REPLIES_TAKEN: RateLimits = { perSecond: 1000, burst: 500 };

export const DEFAULT_MAX_PEERS = 4096;
/** next, current and two previous sessions; see peer-sessions.ts. */
export const SESSIONS_PER_PEER = 4;
/** The largest inner packet: padded, with header and tag, it still fits a UDP datagram over IPv4. */
export const MAX_PACKET_LENGTH = 65_472;

/** DSCP AF41 for initiations and responses, as in the Linux kernel. Whoever is only asked for a cookie gets no preference. */
export const HANDSHAKE_TRAFFIC_CLASS = 0x88;

/** The least time between two reports of the same thing to the owner of the device (paths, wanted handshakes). */
export const REPORT_INTERVAL: Duration = seconds(1);

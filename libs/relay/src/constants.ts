// The numbers of the relay protocol (docs/relay.md). First those that both ends must agree on, then this implementation's choices.

import { type Duration, milliseconds, minutes, seconds } from '@shadownet/primitives';

// ── The protocol ────────────────────────────────────────────────────────────────────────────────────────────────────

export const RELAY_VERSION = 1;
export const NONCE_BYTES = 16;
export const SALT_BYTES = 16;
export const COOKIE_BYTES = 24;
export const TAG_BYTES = 16;
export const KEY_BYTES = 32;
export const MAX_TICKET_BYTES = 256;

/** Of every frame of a session: type, channel, counter, tag. */
export const FRAME_HEADER_BYTES = 16;
export const MAX_PAYLOAD_BYTES = 2032;
export const MAX_FRAME_BYTES = FRAME_HEADER_BYTES + MAX_PAYLOAD_BYTES;
export const MAX_SIGNAL_BYTES = 1000;
export const PING_BYTES = 8;
/** Counters of one session and direction are below this: 40 bits. */
export const COUNTER_LIMIT = 2 ** 40;
/** Channel 0 is the relay itself. */
export const MAX_CHANNEL = 0xffff;
/** One message of a stream: many frames, each behind its length of 2 bytes. */
export const MAX_STREAM_MESSAGE_BYTES = 65_536;

// ── The relay ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** How long after its challenge a connect counts. */
export const CHALLENGE_LIFETIME: Duration = seconds(10);
/** How long a session waits for the first frame under its keys. */
export const PENDING_LIFETIME: Duration = seconds(10);
/** A session ends when nothing authentic came for so long: nine keepalives. */
export const SESSION_IDLE_TIME: Duration = seconds(45);
export const SESSION_LIFETIME: Duration = minutes(6 * 60);
export const MAX_PENDING_SESSIONS = 4096;
/** `gone` and `resolved` frames that one client is sent unasked or for its mistakes. */
export const NOTICES_PER_SECOND = 50;

// ── The client ──────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Until the next one a client whose NAT has rebound is out of the relay's reach, and with it of the calls of its peers. The
 * shortest mapping lifetimes of NATs in use, 20 s, are longer.
 */
export const KEEPALIVE_INTERVAL: Duration = seconds(5);
/** While something is sent and nothing comes back. */
export const URGENT_PING_INTERVAL: Duration = milliseconds(400);
export const SILENCE_BEFORE_PING: Duration = seconds(1);
/** Unanswered pings after which the session is given up and the address proved anew. */
export const MAX_UNANSWERED_PINGS = 3;
export const FIRST_RETRANSMISSION: Duration = milliseconds(400);
export const MAX_HANDSHAKE_TRANSMISSIONS = 4;
export const FIRST_RETRY: Duration = seconds(1);
export const MAX_RETRY: Duration = seconds(30);
/**
 * Without being connected by UDP for so long the WebSocket is tried beside it, which still gives way to UDP. That takes two round
 * trips by UDP: this is sooner only where they take more than 200 ms each.
 */
export const STREAM_AFTER: Duration = milliseconds(400);
/** How often UDP is tried again while the WebSocket carries. */
export const UDP_RETRY_INTERVAL: Duration = seconds(30);
export const RELAY_PROBE_INTERVAL: Duration = seconds(60);
/** After several relays are known; their answers come meanwhile, and the nearest is chosen. */
export const HOME_CHOICE_DELAY: Duration = milliseconds(300);
/** A relay that is not the home is left when nothing was sent there for so long. */
export const VISIT_TIME: Duration = minutes(3);
/** A session is renewed when this part of its life is over. */
export const RENEW_AFTER_FRACTION = 0.8;
/** But not sooner: the session of a ticket that is about to end can not be made longer by renewing it. */
export const MIN_RENEWAL_TIME: Duration = seconds(10);
export const RESOLVE_INTERVAL: Duration = milliseconds(500);
/** Frames kept for a peer while its channel is asked for. */
export const MAX_HELD_FRAMES = 8;
export const MAX_HELD_PEERS = 64;
export const HOLD_TIME: Duration = seconds(1);

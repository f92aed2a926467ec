// Times and limits of the path agent, each with its unit and its reason.

import { type Duration, milliseconds, minutes, type RateLimits, seconds } from '@shadownet/primitives';

type Range = readonly [Duration, Duration];

/** Between two rounds of probes to all candidates. Both ends must have sent before a hole is open in both NATs; the spread
 * keeps nodes that were told of each other at the same moment out of step. */
export const ROUND_INTERVAL: Range = [milliseconds(300), milliseconds(500)];

/** A first search: about 25 rounds. Whoever can be reached by punching has been after two or three. */
export const SEARCH_TIME = seconds(10);

/** A search after a pause: about 10 rounds, gentler on a peer that is gone. A sign of life makes it a full one. */
export const RETRY_SEARCH_TIME = seconds(4);

/** The pause after a search without success doubles from the first to the second. Far below the 2 min for which a NAT
 * should keep a hole (RFC 4787 REQ-5), so that the pauses of both ends need not coincide. */
export const FIRST_PAUSE = seconds(2);
export const LONGEST_PAUSE = seconds(30);

/** A pause is longer by up to this fraction, at random. */
export const PAUSE_JITTER = 0.25;

/** After a path was chosen the other candidates are probed on for so long, for a better one whose hole opens later. */
export const SETTLE_TIME = seconds(1.2);

/** Later they are tried after such a time, then after twice that, up to 2^3 times: a path that lost its first probes to chance
 * must not stay unknown, and what changed is told by calls and maps. */
export const EXPLORE_INTERVAL: Range = [seconds(60), seconds(75)];
export const MAX_EXPLORE_DOUBLINGS = 3;

/** Of the current path: keeps the NAT's mapping (the shortest common lifetime is 30 s) and measures the RTT. */
export const KEEPALIVE_INTERVAL: Range = [seconds(10), seconds(12)];

/** Data that is answered takes the place of keepalives for so long. */
export const LONGEST_UNMEASURED = minutes(1);

/** Data was sent on the current path and nothing came back for so long, or for so many RTTs if that is longer: the path is
 * checked, and data goes by the relay, too. */
export const DATA_ANSWER_TIME = milliseconds(500);
export const DATA_ANSWER_RTTS = 1.5;

/** A peer that was heard so often, each time within this time of the last, and then not any more: perhaps it cannot reach us. One
 * probe tells, and shows the peer a new address of ours. It is the only sign for who answers and asks nothing. Shorter than what
 * a loss may cost (3 s), longer than the second between the packets of `ping`. */
export const SILENCE_TIME = seconds(1.2);
export const SILENCE_RUN = 3;

/** What goes out so soon after something came in is not waited for an answer to; on a path that dies, doubt comes so much later. */
export const ANSWERING_TIME = milliseconds(200);

/** Nothing came back for so long, probes' answers included: the path is lost. A little later where there is no relay to go to. */
export const DATA_LOSS_TIME = seconds(3);
export const DATA_LOSS_TIME_WITHOUT_RELAY = seconds(3.5);

/** Between the probes of a check. Where no data is at stake, so many without any answer, and the path is lost: after 1.6 s. */
export const CHECK_INTERVAL = milliseconds(400);
export const CHECK_PROBES = 4;

/** An answer counts for so long after its request. */
export const PROBE_LIFETIME = seconds(5);

/** Requests under way: 24 candidates for 5 s every 300 ms come to 400. The oldest are forgotten. */
export const MAX_PENDING_PROBES = 512;

/** Between two probes to one destination: below the shortest round, above what a flood of signs of life could ask for. */
export const MIN_PROBE_GAP = milliseconds(200);

/** Destinations that the limit remembers at least; up to twice as many. */
export const MAX_LIMITED_DESTINATIONS = 2048;

/** Candidates that a peer may announce. */
export const MAX_ANNOUNCED_CANDIDATES = 16;

/** Addresses learnt from authenticated messages besides; a NAT that rebinds replaces the oldest. */
export const MAX_LEARNT_CANDIDATES = 8;

/** So long a confirmation stands: no probe is spent on a sign of life from there, and a search may end with it at once. */
export const CONFIRMATION_LIFETIME = seconds(15);
export const FRESH_CONFIRMATION = seconds(3);

/** Hysteresis: a path replaces a working one only if faster by both. Less is within the noise of measuring. */
export const BETTER_BY_FRACTION = 0.2;
export const BETTER_BY = milliseconds(2);

/** Weight of a new measurement in the smoothed RTT (RFC 6298 takes 1/8 of far more frequent ones). */
export const RTT_GAIN = 0.25;

/** Counters behind the highest that may still arrive: probes overtake each other between paths. */
export const REPLAY_WINDOW = 1024;

/** A full packet of a tunnel with the least MTU that IPv6 allows (1,280) in a WireGuard message (32): what every path must
 * carry to be of use. */
export const FULL_DATAGRAM_BYTES = 1312;

/** While data goes out that is large or much, the peer is asked so often what came of it. */
export const REPORT_INTERVAL = milliseconds(500);
export const REPORTED_BYTES = 1000;
export const REPORTED_PACKETS = 16;

/** With a relay: a pair without data for so long goes quiet; the relay is there when it speaks again. */
export const IDLE_TIME = minutes(3);

/** The two sides of a pair go quiet at most so far apart: by as much their searches and calls may differ. */
export const IDLE_MARGIN = seconds(30);

/** The pause between two searches for something better than a relay doubles up to this. */
export const LONGEST_RELAYED_PAUSE = minutes(5);

/** The relay that a search begins with has not answered for so long: the peer is called by the control server. Longer than it
 * takes to connect to a relay on the other side of the earth and to ask it for the peer. */
export const RELAY_ANSWER_TIME = seconds(1);

/** Calls of a peer that are listened to: four at once, then one every two seconds. */
export const CALL_LIMITS: RateLimits = { burst: 4, perSecond: 0.5 };

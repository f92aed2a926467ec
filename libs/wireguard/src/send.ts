// Everything that leaves the device, in the order a packet travels:
//
//   1. handlePacket   the destination address names the peer
//   2. send           with a session and a path: seal and send; else stage, and see to it that there will be both
//   3. transmit       reserve a counter, seal, hand over, note it in timers and statistics, renew the key if it is due
//
// and the handshake messages, each in its own function. Used by device.ts and receive.ts.

import { addDuration, durationBetween, type Instant, type Path } from '@shadownet/primitives';
import {
  HANDSHAKE_TRAFFIC_CLASS,
  MAX_PACKET_LENGTH,
  REKEY_AFTER_MESSAGES,
  REKEY_AFTER_TIME,
  REKEY_TIMEOUT,
} from './constants.js';
import type { DeviceState, Identity } from './device-state.js';
import type { DeviceOutput, PacketResult } from './device-types.js';
import { ecnOf } from './ecn.js';
import { writeInitiation } from './handshake/handshake.js';
import { encodeInitiation } from './handshake/messages.js';
import { parseInnerPacket } from './inner-packet.js';
import type { Peer } from './peer.js';
import { carriesOwnMessage } from './routing-loop.js';
import type { SessionRef } from './transport/session-table.js';

const KEEPALIVE = new Uint8Array(0);

/** An IP packet from the host: goes out, or waits for a session. */
export function handlePacket(state: DeviceState, packet: Uint8Array, now: Instant, out: DeviceOutput): PacketResult {
  if (!state.identity) return state.drop('no-private-key');
  if (packet.length > MAX_PACKET_LENGTH) return state.drop('packet-too-large');
  const inner = parseInnerPacket(packet);
  if (!inner) return state.drop('malformed-packet');
  const peer = state.allowedIps.lookup(inner.family, packet, inner.destinationOffset);
  if (!peer) return state.drop('no-peer-for-destination');
  if (carriesOwnMessage(state, packet, inner)) return state.drop('routing-loop');

  const filtered = state.filtered('out', peer, packet.subarray(0, inner.length), now);
  if (filtered) return filtered;

  const session = state.sendingSession(peer, now);
  if (session && peer.path && peer.staged.size === 0) {
    if (transmit(state, peer, session, packet, peer.path, now, out)) return { ok: true };
  }
  if (!peer.staged.add(packet)) state.drop('staged-overflow');
  if (!state.sendingSession(peer, now)) requestHandshake(state, peer, now, out);
  else if (peer.path) flushStaged(state, peer, now, out);
  else state.reportWanted(peer, now);
  return { ok: true };
}

/** Sends what is staged, if there is a session and a path. True if at least one packet went out. */
export function flushStaged(state: DeviceState, peer: Peer, now: Instant, out: DeviceOutput): boolean {
  let sent = false;
  for (let packet = peer.staged.peek(); packet; packet = peer.staged.peek()) {
    const session = state.sendingSession(peer, now);
    if (!session || !peer.path || !transmit(state, peer, session, packet, peer.path, now, out)) break;
    peer.staged.removeOldest();
    sent = true;
  }
  return sent;
}

/** An empty packet; where there is no session for it a handshake is started instead, which says as much. */
export function sendKeepalive(state: DeviceState, peer: Peer, now: Instant, out: DeviceOutput): void {
  const session = state.sendingSession(peer, now);
  if (!session) requestHandshake(state, peer, now, out);
  else if (peer.path) transmit(state, peer, session, KEEPALIVE, peer.path, now, out);
}

/** Seals one packet and sends it. False if the session could not be used after all. */
function transmit(
  state: DeviceState,
  peer: Peer,
  session: SessionRef,
  packet: Uint8Array,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): boolean {
  const { sessions } = state;
  const counter = sessions.reserveCounters(session, 1);
  if (counter === undefined) return false;
  const message = state.codec.seal(sessions.sendKey(session), sessions.remoteIndex(session), counter, packet);
  out.datagram(message, path, packet.length > 0 ? ecnOf(packet) : 0);

  sessions.recordSent(session, now, message.length);
  peer.timers.authenticatedSent(now, peer.persistentKeepalive);
  if (packet.length > 0) peer.timers.dataSent(now);

  // §6.2: after so many messages either end renews the key, after so much time the one that made it.
  const age = durationBetween(sessions.createdAt(session), now);
  const isOld = age >= REKEY_AFTER_TIME && sessions.role(session) === 'initiator';
  if (isOld || counter >= REKEY_AFTER_MESSAGES) requestHandshake(state, peer, now, out);
  return true;
}

/**
 * A new session is wanted because of something that happened now, so a series of attempts starts, or starts anew (§6.4). Sends
 * an initiation unless one is under way, REKEY_TIMEOUT has to pass first, or there is no path; the timers do it then. With a
 * usable session younger than REKEY_TIMEOUT nothing is wanted any more.
 */
export function requestHandshake(state: DeviceState, peer: Peer, now: Instant, out: DeviceOutput): void {
  if (!state.identity) return;
  const session = state.sendingSession(peer, now);
  const isFresh = session && durationBetween(state.sessions.createdAt(session), now) < REKEY_TIMEOUT;
  if (isFresh) return;
  peer.timers.attemptsStarted(now);
  if (peer.handshake.kind === 'initiated') return;
  attemptHandshake(state, peer, now, out);
}

/** One attempt of a series: an initiation with new ephemeral key, index and timestamp, in place of an unanswered one. */
export function attemptHandshake(state: DeviceState, peer: Peer, now: Instant, out: DeviceOutput): void {
  const { identity } = state;
  if (!identity) return;
  if (!peer.path) {
    state.dropInitiation(peer);
    peer.handshake = { kind: 'wanted' };
    state.reportWanted(peer, now);
    return;
  }
  if (peer.lastHandshakeSentAt !== undefined && now < addDuration(peer.lastHandshakeSentAt, REKEY_TIMEOUT)) {
    if (peer.handshake.kind === 'idle') peer.handshake = { kind: 'wanted' };
    peer.timers.retryAfter(peer.lastHandshakeSentAt);
    return;
  }
  sendInitiation(state, identity, peer, peer.path, now, out);
}

function sendInitiation(
  state: DeviceState,
  identity: Identity,
  peer: Peer,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): void {
  // First of all, so that another attempt follows even if this one fails, say because no timestamp could be stored.
  peer.timers.retryAfter(now);
  const staticShared = state.staticSharedWith(peer, identity);
  if (!staticShared) return;
  const ephemeral = state.crypto.privateKey(state.random(32));
  const timestamp = state.timestamps.next();
  const written = writeInitiation(
    state.crypto,
    identity.privateKey,
    peer.publicKey,
    staticShared,
    ephemeral,
    timestamp,
  );
  if (!written) return ephemeral.zero();

  state.dropInitiation(peer);
  const localIndex = state.indices.add({ kind: 'handshake', peer });
  const message = encodeInitiation(localIndex, written.body);
  peer.cookies.sign(message, now);
  peer.handshake = { kind: 'initiated', pending: written.pending, localIndex, message };
  state.workers.handshakes.addInitiation(localIndex, 1);
  peer.lastHandshakeSentAt = now;
  sendHandshakeMessage(peer, message, path, now, out);
}

/** Hands over a handshake message, and notes it in timers and statistics. */
export function sendHandshakeMessage(
  peer: Peer,
  message: Uint8Array,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): void {
  peer.timers.authenticatedSent(now, peer.persistentKeepalive);
  peer.totals.txBytes += message.length;
  peer.totals.lastSentAt = now;
  out.datagram(message, path, HANDSHAKE_TRAFFIC_CLASS);
}

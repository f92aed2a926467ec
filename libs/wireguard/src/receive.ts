// Everything that arrives from the network, in the order a datagram travels:
//
//   1. handleDatagram       type and length
//   2. handshake messages   mac1, then the load check (mac2, rate limit), then the costly part
//   3. cookie replies       kept for the next handshake message
//   4. transport messages   index → session → replay hint → open → still alive? → replay check-and-set → confirm → packet
//
// Whatever is wrong with a datagram is a counted drop, and leaves no trace in any session. Used by device.ts.

import type { PrivateKey } from '@shadownet/crypto';
import {
  assertNever,
  durationBetween,
  encodePublicKey,
  type Instant,
  type Path,
  publicKeyFromBytes,
} from '@shadownet/primitives';
import {
  INITIATIONS_PER_SECOND,
  OPERATIONS_PER_HANDSHAKE,
  REJECT_AFTER_MESSAGES,
  REKEY_ON_RECEIVE_AFTER_TIME,
} from './constants.js';
import type { DeviceState, Identity } from './device-state.js';
import type { DatagramResult, DeviceOutput, Drop } from './device-types.js';
import {
  type OpenedInitiation,
  readInitiationPayload,
  readInitiationStatic,
  readResponse,
  writeResponse,
  type TransportKeys,
} from './handshake/handshake.js';
import { decodeMessage, encodeResponse, type Message } from './handshake/messages.js';
import { isLaterTai64n } from './handshake/timestamp.js';
import { parseInnerPacket } from './inner-packet.js';
import { sourceOf } from './path-source.js';
import type { Peer } from './peer.js';
import { flushStaged, requestHandshake, sendHandshakeMessage, sendKeepalive } from './send.js';
import type { SessionIndex } from './session-index.js';
import type { SessionRef, SessionRole } from './transport/session-table.js';

type MessageOf<Kind extends Message['kind']> = Extract<Message, { readonly kind: Kind }>;

const MIN_INITIATION_INTERVAL = 1000 / INITIATIONS_PER_SECOND;
const NO_PAYLOAD = new Uint8Array(0);

/** A datagram from `path`. */
export function handleDatagram(
  state: DeviceState,
  datagram: Uint8Array,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): DatagramResult {
  const message = decodeMessage(datagram);
  if (!message) return state.drop('malformed-message');
  const { identity } = state;
  if (!identity) return state.drop('no-private-key');
  switch (message.kind) {
    case 'initiation':
    case 'response': {
      const refusal = checkMacs(state, identity, message, datagram, path, now, out);
      if (refusal) return refusal;
      return message.kind === 'initiation'
        ? handleInitiation(state, identity, message, datagram, path, now, out)
        : handleResponse(state, identity, message, datagram, path, now, out);
    }
    case 'cookie-reply':
      return handleCookieReply(state, message, now);
    case 'transport':
      return handleTransport(state, message, datagram, path, now, out);
    default:
      return assertNever(message);
  }
}

/**
 * §5.3: no work for senders that do not know our key, nor under load for those that do not own their address. What a worker has
 * checked and admitted is not checked again.
 */
function checkMacs(
  state: DeviceState,
  { cookies }: Identity,
  message: MessageOf<'initiation' | 'response'>,
  datagram: Uint8Array,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): Drop | undefined {
  const { admittedByWorker } = state;
  if (!admittedByWorker && !cookies.checker.hasValidMac1(datagram)) return state.drop('invalid-mac1');
  const source = sourceOf(path);
  const admission =
    admittedByWorker ??
    state.guard.admit(source.address, now, state.workers.handshakes.isUnderLoad(now), {
      answersUs: () => message.kind === 'response' && state.indices.get(message.receiver)?.kind === 'handshake',
      hasCookie: () => cookies.checker.hasValidMac2(datagram, source, now),
    });
  switch (admission) {
    case 'process':
      return undefined;
    case 'send-cookie':
      out.datagram(cookies.reply(datagram, message.sender, source, now), path, 0);
      return state.drop('under-load');
    case 'under-load':
    case 'rate-limited':
      return state.drop(admission);
    default:
      return assertNever(admission);
  }
}

function handleInitiation(
  state: DeviceState,
  identity: Identity,
  message: MessageOf<'initiation'>,
  datagram: Uint8Array,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): DatagramResult {
  state.load.charge(1, now);
  const opened = readInitiationStatic(state.crypto, identity.privateKey, message.body);
  if (!opened) return state.drop('invalid-handshake');
  const publicKey = publicKeyFromBytes(opened.remoteStatic);
  const peer = publicKey && state.peers.get(encodePublicKey(publicKey));
  const staticShared = peer && state.staticSharedWith(peer, identity);
  if (!staticShared) {
    opened.state.zero();
    return state.drop('unknown-peer');
  }
  const timestamp = readInitiationPayload(opened, staticShared, message.body);
  if (!timestamp) return state.drop('invalid-handshake');

  if (!isLaterTai64n(timestamp, peer.latestTimestamp)) {
    opened.state.zero();
    return state.drop('old-timestamp');
  }
  const last = peer.lastInitiationReceivedAt;
  if (last !== undefined && durationBetween(last, now) < MIN_INITIATION_INTERVAL) {
    opened.state.zero();
    return state.drop('initiation-flood');
  }
  peer.latestTimestamp = timestamp;
  peer.lastInitiationReceivedAt = now;
  noteHandshakeReceived(state, peer, datagram, path, now);
  return respond(state, peer, message.sender, opened, path, now, out);
}

/** Answers by the path that the question came from, whoever decides on the peer's path. */
function respond(
  state: DeviceState,
  peer: Peer,
  remoteIndex: SessionIndex,
  opened: OpenedInitiation,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): DatagramResult {
  state.load.charge(OPERATIONS_PER_HANDSHAKE - 1, now);
  const ephemeral: PrivateKey = state.crypto.privateKey(state.random(32));
  const written = writeResponse(opened, ephemeral, peer.presharedKey.expose(), NO_PAYLOAD);
  ephemeral.zero();
  if (!written) return state.drop('invalid-handshake');

  const localIndex = state.indices.add({ kind: 'handshake', peer });
  if (!openSession(state, peer, 'responder', localIndex, remoteIndex, written.keys, now)) {
    state.indices.delete(localIndex);
    return state.drop('session-table-full');
  }
  const response = encodeResponse(localIndex, remoteIndex, written.body);
  peer.cookies.sign(response, now);
  peer.lastHandshakeSentAt = now;
  sendHandshakeMessage(peer, response, path, now, out);
  return { ok: true, kind: 'initiation', peer: peer.publicKey };
}

function handleResponse(
  state: DeviceState,
  identity: Identity,
  message: MessageOf<'response'>,
  datagram: Uint8Array,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): DatagramResult {
  const owner = state.indices.get(message.receiver);
  if (owner?.kind !== 'handshake') return state.drop('unknown-index');
  const { peer } = owner;
  if (peer.handshake.kind !== 'initiated' || peer.handshake.localIndex !== message.receiver) {
    return state.drop('unknown-index');
  }
  const { pending, localIndex } = peer.handshake;
  state.load.charge(2, now);
  const read = readResponse(pending, identity.privateKey, peer.presharedKey.expose(), message.body);
  if (!read) return state.drop('invalid-handshake');

  pending.zero();
  state.workers.handshakes.addInitiation(localIndex, -1);
  peer.handshake = { kind: 'idle' };
  const session = openSession(state, peer, 'initiator', localIndex, message.sender, read.keys, now);
  if (!session) {
    state.indices.delete(localIndex);
    return state.drop('session-table-full');
  }
  noteHandshakeReceived(state, peer, datagram, path, now);
  completeHandshake(state, peer, session, now);
  // The responder may not send before it has heard from us under the new session.
  if (!flushStaged(state, peer, now, out)) sendKeepalive(state, peer, now, out);
  return { ok: true, kind: 'response', peer: peer.publicKey };
}

function handleCookieReply(state: DeviceState, message: MessageOf<'cookie-reply'>, now: Instant): DatagramResult {
  const owner = state.indices.get(message.receiver);
  if (!owner) return state.drop('unknown-index');
  if (!owner.peer.cookies.accept(message.nonce, message.sealedCookie, now)) return state.drop('invalid-cookie-reply');
  return { ok: true, kind: 'cookie-reply', peer: owner.peer.publicKey };
}

function handleTransport(
  state: DeviceState,
  message: MessageOf<'transport'>,
  datagram: Uint8Array,
  path: Path,
  now: Instant,
  out: DeviceOutput,
): DatagramResult {
  const { sessions } = state;
  const { counter } = message;
  const owner = state.indices.get(message.receiver);
  if (owner?.kind !== 'session') return state.drop('unknown-index');
  const { peer, session } = owner;
  if (state.isExpired(session, now)) return state.drop('session-expired');
  if (counter >= REJECT_AFTER_MESSAGES) return state.drop('counter-exhausted');
  const window = sessions.replayWindow(session);
  if (!window.mayAccept(counter)) return state.drop('replayed-counter');

  const plaintext = state.codec.open(sessions.receiveKey(session), counter, message.sealedPacket);
  if (!plaintext) return state.drop('unauthenticated');
  if (!sessions.isLive(session)) return state.drop('unknown-index');
  if (!window.accept(counter)) return state.drop('replayed-counter');

  const content = readContent(state, peer, plaintext);
  sessions.recordReceived(session, now, datagram.length);
  // A message that is not as it should be does not lead us anywhere, authentic as it is.
  if (content.ok) state.authenticatedPath(peer, path, now);
  peer.timers.authenticatedReceived(now, peer.persistentKeepalive);
  if (session === peer.sessions.next && sessions.confirm(session)) confirmSession(state, peer, session, now);
  if (peer.staged.size > 0) flushStaged(state, peer, now, out);
  renewBeforeExpiry(state, peer, now, out);

  if (plaintext.length > 0) peer.timers.dataReceived(now);
  if (!content.ok) return content;
  if (content.kind === 'data') {
    const filtered = state.filtered('in', peer, content.packet, now);
    if (filtered) return filtered;
    out.packet(content.packet, peer.publicKey);
  }
  return { ok: true, kind: content.kind, peer: peer.publicKey };
}

type Content =
  | { readonly ok: true; readonly kind: 'keepalive' }
  | { readonly ok: true; readonly kind: 'data'; readonly packet: Uint8Array };

/** §6: what a peer may put on the host's interface is a whole IP packet from one of its own addresses. */
function readContent(state: DeviceState, peer: Peer, plaintext: Uint8Array): Content | Drop {
  if (plaintext.length === 0) return { ok: true, kind: 'keepalive' };
  const inner = parseInnerPacket(plaintext);
  if (!inner) return state.drop('malformed-packet');
  if (state.allowedIps.lookup(inner.family, plaintext, inner.sourceOffset) !== peer) {
    return state.drop('source-not-allowed');
  }
  return { ok: true, kind: 'data', packet: plaintext.subarray(0, inner.length) };
}

/** The initiator uses the session that we made as responder, so from now on we may as well. */
export function confirmSession(state: DeviceState, peer: Peer, session: SessionRef, now: Instant): void {
  state.retire(peer, peer.sessions.confirmNext());
  publishRotation(state, peer);
  state.dropInitiation(peer);
  completeHandshake(state, peer, session, now);
}

/** Tells the table, and so the packet workers, what each session is used for now. */
function publishRotation(state: DeviceState, peer: Peer): void {
  const { sessions } = peer;
  if (sessions.current) state.sessions.setState(sessions.current, 'current');
  for (const previous of sessions.previous) state.sessions.setState(previous, 'previous');
  state.workers.publishCurrentSession(peer);
}

/** §6.2: an initiator that only receives renews the session while there is still time for a handshake. */
export function renewBeforeExpiry(state: DeviceState, peer: Peer, now: Instant, out: DeviceOutput): void {
  const session = peer.sessions.current;
  if (!session || peer.handshake.kind !== 'idle' || state.sessions.role(session) !== 'initiator') return;
  if (durationBetween(state.sessions.createdAt(session), now) < REKEY_ON_RECEIVE_AFTER_TIME) return;
  requestHandshake(state, peer, now, out);
}

/** Puts the keys of a finished handshake into the table, and the session in its place; the given keys are zeroed. */
function openSession(
  state: DeviceState,
  peer: Peer,
  role: SessionRole,
  localIndex: SessionIndex,
  remoteIndex: SessionIndex,
  keys: TransportKeys,
  now: Instant,
): SessionRef | undefined {
  const session = state.sessions.open({
    state: role === 'initiator' ? 'current' : 'next',
    role,
    localIndex,
    remoteIndex,
    peer: peer.id,
    createdAt: now,
    sendKey: keys.send,
    receiveKey: keys.receive,
  });
  keys.send.fill(0);
  keys.receive.fill(0);
  if (!session) return undefined;
  state.workers.sessionOpened(session);
  const unneeded = role === 'initiator' ? peer.sessions.addAsInitiator(session) : peer.sessions.addAsResponder(session);
  state.retire(peer, unneeded);
  publishRotation(state, peer);
  state.indices.replace(localIndex, { kind: 'session', peer, session });
  state.remoteIndices.add(remoteIndex);
  peer.timers.sessionDerived(now);
  return session;
}

function completeHandshake(state: DeviceState, peer: Peer, session: SessionRef, now: Instant): void {
  peer.timers.attemptsEnded();
  peer.timers.sessionInUse(state.sessions.createdAt(session));
  peer.lastHandshakeAt = now;
  const role = state.sessions.role(session);
  state.events.push({ kind: 'handshake-completed', peer: peer.publicKey, at: now, role });
}

function noteHandshakeReceived(state: DeviceState, peer: Peer, datagram: Uint8Array, path: Path, now: Instant): void {
  peer.totals.rxBytes += datagram.length;
  peer.totals.lastReceivedAt = now;
  peer.timers.authenticatedReceived(now, peer.persistentKeepalive);
  state.authenticatedPath(peer, path, now);
}

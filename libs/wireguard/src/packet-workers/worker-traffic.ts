// What packet workers did since the last look, told to the timers as if the core had done it itself (whitepaper §6). Workers
// only move transport data; what follows from that is decided here, on the main thread: confirmation of a responder's
// session, roaming, renewal of keys, and what a path agent has to know. Called by device.ts.

import { durationBetween, type Instant } from '@shadownet/primitives';
import { REKEY_AFTER_MESSAGES, REKEY_AFTER_TIME } from '../constants.js';
import type { DeviceState } from '../device-state.js';
import type { DeviceOutput, WorkerTransfer } from '../device-types.js';
import type { Peer } from '../peer.js';
import { confirmSession, renewBeforeExpiry } from '../receive.js';
import { flushStaged, requestHandshake } from '../send.js';

/** What of a peer's cells was taken note of already. */
interface Seen {
  sentAt: number;
  receivedAt: number;
  dataReceivedAt: number;
  observation: number;
}

export class WorkerTraffic {
  readonly #seen = new WeakMap<Peer, Seen>();

  /** True if there was any traffic since the last call. */
  takeNote(state: DeviceState, now: Instant, out: DeviceOutput): boolean {
    let any = false;
    for (const number of state.workers.peers.takeActive()) {
      const peer = state.peersByNumber.get(number);
      if (peer && this.#takeNoteOf(state, peer, now, out)) any = true;
    }
    return any;
  }

  #takeNoteOf(state: DeviceState, peer: Peer, now: Instant, out: DeviceOutput): boolean {
    const cells = state.workers.peers;
    let seen = this.#seen.get(peer);
    if (!seen) this.#seen.set(peer, (seen = { sentAt: 0, receivedAt: 0, dataReceivedAt: 0, observation: 0 }));
    const sentAt = cells.sentAt(peer.id);
    const receivedAt = cells.receivedAt(peer.id);
    const dataReceivedAt = cells.dataReceivedAt(peer.id);
    const hasSent = sentAt !== seen.sentAt;
    const hasReceived = receivedAt !== seen.receivedAt;
    const hasReceivedData = dataReceivedAt !== seen.dataReceivedAt;
    seen.sentAt = sentAt;
    seen.receivedAt = receivedAt;
    seen.dataReceivedAt = dataReceivedAt;

    // The worker wakes us for it at once, before it has recorded what it received.
    this.#followSource(state, peer, seen, now);
    if (hasReceived) {
      const { next } = peer.sessions;
      if (next && state.sessions.isConfirmed(next)) confirmSession(state, peer, next, now);
    }
    // Of what happened since the last look only the order of the latest of each kind is known, and matters.
    const events: [boolean, Instant, () => void][] = [
      [hasReceived, receivedAt, () => peer.timers.authenticatedReceived(receivedAt, peer.persistentKeepalive)],
      [hasReceivedData, dataReceivedAt, () => peer.timers.dataReceived(dataReceivedAt)],
      [hasSent, sentAt, () => noteSent(peer, sentAt)],
    ];
    for (const [happened, , note] of events.sort(([, a], [, b]) => a - b)) if (happened) note();

    if (hasReceived) {
      if (peer.staged.size > 0) flushStaged(state, peer, now, out);
      renewBeforeExpiry(state, peer, now, out);
    }
    if (hasSent) renewAfterSending(state, peer, now, out);
    if (state.endpoints === 'external') {
      const sent = { at: sentAt, largestBytes: cells.takeLargestSent(peer.id) };
      const received = { at: receivedAt, largestBytes: cells.takeLargestReceived(peer.id) };
      const hasReceivedByPath = hasReceived && cells.arrival(peer.id) === 'by-path';
      reportTraffic(state, peer, hasSent ? sent : undefined, hasReceivedByPath ? received : undefined);
    }
    return hasSent || hasReceived;
  }

  #followSource(state: DeviceState, peer: Peer, seen: Seen, now: Instant): void {
    const cells = state.workers.peers;
    const version = cells.observationVersion(peer.id);
    if (version === seen.observation) return;
    const observation = cells.observation(peer.id);
    // A torn one is being written again right now, and there will be another look.
    if (!observation) return;
    seen.observation = version;
    const path = observation.kind === 'udp' ? observation.path : state.workers.relayRoutes?.pathOf(observation.origin);
    if (path) state.authenticatedPath(peer, path, now);
  }
}

function noteSent(peer: Peer, at: Instant): void {
  peer.timers.authenticatedSent(at, peer.persistentKeepalive);
  peer.timers.dataSent(at);
}

/** Whoever owns the path learns whether it carries data both ways. */
function reportTraffic(state: DeviceState, peer: Peer, sent?: WorkerTransfer, received?: WorkerTransfer): void {
  if (!sent && !received) return;
  state.events.push({ kind: 'traffic', peer: peer.publicKey, ...(sent && { sent }), ...(received && { received }) });
}

/** §6.2: what `transmit` of send.ts asks after each packet. */
function renewAfterSending(state: DeviceState, peer: Peer, now: Instant, out: DeviceOutput): void {
  const session = peer.sessions.current;
  if (!session) return;
  const age = durationBetween(state.sessions.createdAt(session), now);
  const isOld = age >= REKEY_AFTER_TIME && state.sessions.role(session) === 'initiator';
  if (isOld || state.sessions.sendCounter(session) > REKEY_AFTER_MESSAGES) requestHandshake(state, peer, now, out);
}

// The counters of `status`: what the core has seen itself, and what packet workers have moved and dropped past it, each under the
// same name (docs/node-runtime.md). Used by status-report.ts.

import type { DataPlane } from '@shadownet/dataplane';
import type { UdpSocket } from '@shadownet/udp';

type Counters = Readonly<Record<string, number>>;

/** What workers count by the names that the engine, the tunnel and the relays have for the same. */
const SAME_AS: Readonly<Record<string, string>> = {
  notForUs: 'datagram-unknown',
  unknownIndex: 'unknown-index',
  sessionExpired: 'session-expired',
  sessionEnded: 'session-expired',
  replayedCounter: 'replayed-counter',
  unauthenticated: 'unauthenticated',
  sourceNotAllowed: 'source-not-allowed',
  filterDenied: 'filter-denied',
  filterUnreadable: 'filter-unreadable',
  congestedNotEct: 'congested-not-ect',
  malformedInner: 'malformed-packet',
  malformedPacket: 'malformed-packet',
  noPrivateKey: 'no-private-key',
  invalidMac1: 'invalid-mac1',
  underLoad: 'under-load',
  rateLimited: 'rate-limited',
  unexpectedReply: 'unknown-index',
  relayedSent: 'relay-datagrams-sent',
  relayedReceived: 'relay-datagrams-received',
  relayFrameUnauthentic: 'relay-frame-unexpected',
  relayFrameReplayed: 'relay-frame-unexpected',
  noPeerForDestination: 'no-peer-for-destination',
  // What the main thread was too late for.
  handshakesLost: 'udp-handshakes-lost',
  probesLost: 'udp-probes-lost',
  relayFramesLost: 'udp-relay-frames-lost',
  unsentLost: 'tun-unsent-lost',
  sendFailed: 'udp-send-failed',
};

/** `ofCore`: the tunnel's and the relays' own counts. Reasons that never occurred are left out. */
export function trafficCounters(ofCore: Counters, socket: UdpSocket, dataPlane: DataPlane): Counters {
  const workers = dataPlane.kind === 'linux' ? dataPlane.counters() : {};
  const { counters: ofSocket } = socket;
  const { counters: ofTun } = dataPlane.tun;
  const moved = (name: string): number => workers[name] ?? 0;
  const counters: Record<string, number> = {
    ...ofCore,
    // Workers receive everything, also what they hand to the socket's handler.
    'udp-datagrams-received': workers.datagramsReceived ?? ofSocket.datagramsReceived,
    'udp-datagrams-sent': ofSocket.datagramsSent + moved('packetsSent'),
    'tun-packets-read':
      ofTun.packetsRead + moved('packetsSent') + moved('noPeerForDestination') + moved('malformedPacket'),
    'tun-packets-written': ofTun.packetsWritten + moved('tunWrites'),
    'tun-write-errors': ofTun.writeErrors + moved('tunWriteFailed'),
  };
  for (const [errno, count] of Object.entries(ofSocket.sendErrors)) counters[`udp-send-${errno}`] = count;
  for (const [name, reason] of Object.entries(SAME_AS)) {
    if (moved(name) > 0) counters[reason] = (counters[reason] ?? 0) + moved(name);
  }
  return counters;
}

// What heartbeats say of the links: those that changed since the control server last answered, in portions that fit a request.

import type { LinkReport } from '@shadownet/contracts';
import { encodePublicKey, formatEndpoint, type Instant } from '@shadownet/primitives';
import type { PeerLinkStatus } from '@shadownet/tunnel';

/** 512 reports of about 300 bytes stay well below the 256 KB of a request; the rest follows with the next heartbeat. */
const MAX_REPORTS = 512;

/** A smoothed RTT moves all the time: less than this fraction is no news. */
const RTT_CHANGE = 0.1;

interface Snapshot {
  /** What is compared exactly. */
  readonly text: string;
  readonly rtt: number | null;
}

export class LinkReports {
  readonly #answered = new Map<string, Snapshot>();

  /** The links that changed, and what to call when the server has answered to them. */
  collect(peers: readonly PeerLinkStatus[], now: Instant): { reports: LinkReport[]; answered: () => void } {
    const present = new Set<string>();
    const changed = new Map<string, { report: LinkReport; snapshot: Snapshot }>();
    for (const peer of peers) {
      const report = linkReport(peer, now);
      const snapshot = { text: comparableText(report, peer.lastHandshakeAt), rtt: report.rtt_ms };
      present.add(report.public_key);
      if (changed.size < MAX_REPORTS && isNews(this.#answered.get(report.public_key), snapshot)) {
        changed.set(report.public_key, { report, snapshot });
      }
    }
    for (const key of this.#answered.keys()) if (!present.has(key)) this.#answered.delete(key);
    return {
      reports: [...changed.values()].map(({ report }) => report),
      answered: () => {
        for (const [key, { snapshot }] of changed) this.#answered.set(key, snapshot);
      },
    };
  }

  /** The server may have forgotten everything: all links are news again. */
  reset(): void {
    this.#answered.clear();
  }
}

function linkReport(peer: PeerLinkStatus, now: Instant): LinkReport {
  return {
    public_key: encodePublicKey(peer.publicKey),
    path: peer.pathKind,
    state: peer.pathState,
    endpoint: peer.path?.kind === 'udp' ? formatEndpoint(peer.path.remote) : null,
    rtt_ms: peer.rtt === undefined ? null : roundTo(peer.rtt, 2),
    last_handshake_age_ms:
      peer.lastHandshakeAt === undefined ? null : Math.max(0, Math.round(now - peer.lastHandshakeAt)),
    rx_bytes: peer.rxBytes,
    tx_bytes: peer.txBytes,
  };
}

/** The age of a handshake changes by itself; when it was does not. */
function comparableText(report: LinkReport, lastHandshakeAt: Instant | undefined): string {
  return JSON.stringify({ ...report, rtt_ms: null, last_handshake_age_ms: lastHandshakeAt ?? null });
}

function isNews(before: Snapshot | undefined, now: Snapshot): boolean {
  if (!before || before.text !== now.text || (before.rtt === null) !== (now.rtt === null)) return true;
  return before.rtt !== null && now.rtt !== null && Math.abs(now.rtt - before.rtt) > before.rtt * RTT_CHANGE;
}

export function roundTo(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}

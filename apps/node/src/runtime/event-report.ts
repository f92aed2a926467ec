// What the tunnel reports, as lines of the log. STUN servers are asked, and peers that cannot be reached searched, again and
// again: only what is new of them is logged.

import { assertNever, encodePublicKey, formatEndpoint, type Instant } from '@shadownet/primitives';
import type { PeerName, TunnelEvent } from '@shadownet/tunnel';
import { roundTo } from './link-reports.js';
import type { NodeLog } from './node-log.js';

export class EventReport {
  readonly #log: NodeLog;
  /** What was last logged of each STUN server: an endpoint, or that it does not answer. */
  readonly #stunServers = new Map<string, string>();

  constructor(log: NodeLog) {
    this.#log = log;
  }

  write(event: TunnelEvent, now: Instant): void {
    switch (event.kind) {
      case 'stun-result':
      case 'stun-unanswered': {
        const server = formatEndpoint(event.server);
        const news = event.kind === 'stun-result' ? formatEndpoint(event.endpoint) : 'unanswered';
        if (this.#stunServers.get(server) === news) return;
        this.#stunServers.set(server, news);
        return logTunnelEvent(this.#log, event, now);
      }
      case 'search-started':
        // A peer that cannot be reached is searched every half a minute for ever; `search-paused` tells when.
        if (event.reason === 'retry') return;
        return logTunnelEvent(this.#log, event, now);
      default:
        return logTunnelEvent(this.#log, event, now);
    }
  }
}

function logTunnelEvent(log: NodeLog, event: TunnelEvent, now: Instant): void {
  switch (event.kind) {
    case 'search-started': {
      const candidates = event.candidates.map(({ kind, endpoint }) => `${kind} ${formatEndpoint(endpoint)}`);
      return log.event('punching', { ...named(event.peer), candidates, reason: event.reason });
    }
    case 'search-paused': {
      const retryInMs = event.retryAt === undefined ? null : Math.round(event.retryAt - now);
      return log.event('search-paused', { ...named(event.peer), retry_in_ms: retryInMs });
    }
    case 'path-confirmed': {
      const endpoint = formatEndpoint(event.path.remote);
      return log.event('path-confirmed', { ...named(event.peer), endpoint, rtt_ms: roundTo(event.rtt, 2) });
    }
    case 'relayed':
      return log.event('relayed', { ...named(event.peer), relay: event.path.relay });
    case 'path-mtu': {
      const { provenBytes, losesBytes } = event;
      return log.event('path-mtu', {
        ...named(event.peer),
        proven_bytes: provenBytes,
        loses_bytes: losesBytes ?? null,
      });
    }
    case 'pong':
    case 'path-in-doubt':
    case 'call-by-control':
    case 'sockets-wanted':
    case 'sockets-unneeded':
      return;
    case 'path-lost':
      return log.event('path-lost', { ...named(event.peer), reason: event.reason });
    case 'handshake-completed':
      return log.event('handshake', { ...named(event.peer), role: event.role });
    case 'handshake-gave-up':
      return log.event('handshake-gave-up', named(event.peer));
    case 'stun-result': {
      const { server, endpoint, rtt } = event;
      const fields = { server: formatEndpoint(server), endpoint: formatEndpoint(endpoint), rtt_ms: roundTo(rtt, 2) };
      return log.event('stun-result', fields);
    }
    case 'stun-unanswered':
      return log.event('stun-unanswered', { server: formatEndpoint(event.server) });
    case 'reflexive-changed': {
      const previous = event.previous === undefined ? null : formatEndpoint(event.previous);
      return log.event('reflexive-changed', { endpoint: formatEndpoint(event.endpoint), previous });
    }
    default:
      assertNever(event);
  }
}

function named({ hostname, publicKey }: PeerName): { peer: string; hostname: string } {
  return { peer: encodePublicKey(publicKey), hostname };
}

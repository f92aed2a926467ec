// Pings of peers for `shadownet-node ping`: a probe by the path that data takes, and by which way its answer came.

import { encodePublicKey, formatEndpoint, type Instant, type PublicKey } from '@shadownet/primitives';
import type { PeerLinkStatus, Tunnel, TunnelEvent } from '@shadownet/tunnel';
import type { ControlReply } from '../control-socket/control-protocol.js';
import { roundTo } from './link-reports.js';
import { findPeer } from './peer-explanation.js';

export interface PingAnswer {
  readonly hostname: string;
  readonly virtual_ip: string;
  /** Null if none came in time, or there is no path. */
  readonly reply: PingReply | null;
}

export interface PingReply {
  readonly path: 'direct' | 'lan' | 'relay';
  /** An endpoint, or the relay's id. */
  readonly by: string;
  readonly rtt_ms: number;
}

type Pong = Extract<TunnelEvent, { kind: 'pong' }>;

/** A round trip around the earth by a relay takes half a second. */
const PATIENCE_MS = 2_000;

export class PeerPings {
  readonly #tunnel: Tunnel;
  readonly #send: (peer: PublicKey) => boolean;
  /** By the peer's key: who waits for its next pong. */
  readonly #waiting = new Map<string, Set<(pong: Pong) => void>>();

  /** `send` has the tunnel ping a peer; false if there is no path. */
  constructor(tunnel: Tunnel, send: (peer: PublicKey) => boolean) {
    this.#tunnel = tunnel;
    this.#send = send;
  }

  onPong(pong: Pong): void {
    const key = encodePublicKey(pong.peer.publicKey);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const resolve of waiting ?? []) resolve(pong);
  }

  /** `name`: a hostname, a virtual IP or a public key. Resolves after two seconds at the latest. */
  async ping(name: string, now: Instant): Promise<ControlReply> {
    const peer = findPeer(this.#tunnel, name, now);
    if (!peer) return { ok: false, error: `no peer is called ${name}` };
    const pong = await this.#nextPong(peer.publicKey);
    const reply = pong && { ...describeWay(pong, peer), rtt_ms: roundTo(pong.rtt, 2) };
    const answer: PingAnswer = { hostname: peer.hostname, virtual_ip: peer.virtualIp, reply: reply ?? null };
    return { ok: true, result: answer };
  }

  #nextPong(peer: PublicKey): Promise<Pong | undefined> {
    return new Promise((resolve) => {
      const key = encodePublicKey(peer);
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting);
      const answer = (pong: Pong): void => {
        clearTimeout(timer);
        resolve(pong);
      };
      waiting.add(answer);
      const timer = setTimeout(() => {
        waiting.delete(answer);
        if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
        resolve(undefined);
      }, PATIENCE_MS);
      this.#send(peer);
    });
  }
}

function describeWay({ path }: Pong, peer: PeerLinkStatus): Pick<PingReply, 'path' | 'by'> {
  if (path.kind === 'relay') return { path: 'relay', by: path.relay };
  return { path: peer.pathKind === 'lan' ? 'lan' : 'direct', by: formatEndpoint(path.remote) };
}

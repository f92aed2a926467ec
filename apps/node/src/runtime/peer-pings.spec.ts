import type { Peer } from '@shadownet/contracts';
import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { encodePublicKey, parseEndpoint, type Path, relayPath, Secret, udpPath } from '@shadownet/primitives';
import { Tunnel, type TunnelOutput } from '@shadownet/tunnel';
import { Tai64nSource } from '@shadownet/wireguard';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { monotonicNow, secureRandom } from './clock.js';
import { type PingAnswer, PeerPings } from './peer-pings.js';

const ADDRESSES = { a: parseEndpoint('203.0.113.1:1')!, b: parseEndpoint('203.0.113.2:2')! };

/** Two tunnels, with a network between them that carries what `carries` lets through. */
class Pair {
  carries: (path: Path) => boolean = () => true;
  readonly a = newTunnel();
  readonly b = newTunnel();
  readonly pings: PeerPings;
  readonly #queue: (() => void)[] = [];

  constructor() {
    this.pings = new PeerPings(this.a, (peer) => this.run(() => this.a.ping(peer, monotonicNow(), this.#out('a'))));
  }

  introduce(changes: Partial<Peer> = {}): void {
    // B first, so that it knows whose probe comes when A looks for it.
    for (const [own, other] of [
      ['b', 'a'],
      ['a', 'b'],
    ] as const) {
      const map = { map_version: { epoch: 1, sequence: 1 }, network_cidr: '10.100.0.0/16' };
      const peers = [peerNamed(other, this[other], changes)];
      this.run(() => this[own].updateNetworkMap({ ...map, peers }, monotonicNow(), this.#out(own)));
    }
  }

  useRelay(): void {
    for (const [own, other] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      this.run(() => this[own].setPeerRelay(this[other].publicKey, 'eu', monotonicNow(), this.#out(own)));
    }
  }

  run<T>(action: () => T): T {
    const result = action();
    for (let deliver = this.#queue.shift(); deliver; deliver = this.#queue.shift()) deliver();
    for (let event = this.a.pollEvent(); event; event = this.a.pollEvent()) {
      if (event.kind === 'pong') this.pings.onPong(event);
    }
    return result;
  }

  #out(own: 'a' | 'b'): TunnelOutput {
    const other = own === 'a' ? 'b' : 'a';
    return {
      datagram: (bytes, path) => {
        if (!this.carries(path)) return;
        const copy = bytes.slice();
        const from = path.kind === 'relay' ? relayPath(path.relay, this[own].publicKey) : udpPath(ADDRESSES[own]);
        this.#queue.push(() => this[other].handleDatagram(copy, from, monotonicNow(), this.#out(other)));
      },
      packet: () => {},
    };
  }
}

function newTunnel(): Tunnel {
  const timestamps = new Tai64nSource({ wallNanoseconds: () => 1n, lastReserved: 0n, reserve: () => {} });
  const privateKey = Secret.own(generatePrivateKey(secureRandom));
  const options = { crypto: nodeCrypto, random: secureRandom, timestamps, privateKey, firstProbeCounter: 1n };
  return new Tunnel(options, monotonicNow());
}

function peerNamed(hostname: 'a' | 'b', tunnel: Tunnel, changes: Partial<Peer>): Peer {
  const virtualIp = hostname === 'a' ? '10.100.0.1' : '10.100.0.2';
  return {
    ...{ id: hostname, hostname, public_key: encodePublicKey(tunnel.publicKey), virtual_ip: virtualIp, os: 'Linux' },
    ...{ endpoint: null, allowed_ips: [`${virtualIp}/32`], online: true, last_heartbeat: null },
    candidates: [
      { kind: 'host', ip: hostname === 'a' ? '203.0.113.1' : '203.0.113.2', port: hostname === 'a' ? 1 : 2 },
    ],
    ...changes,
  };
}

describe('a ping of a peer', () => {
  let pair: Pair;
  beforeEach(() => {
    pair = new Pair();
  });
  afterEach(() => void vi.useRealTimers());

  const ping = async (name: string) => {
    const reply = await pair.pings.ping(name, monotonicNow());
    if (!reply.ok) throw new Error(reply.error);
    return reply.result as PingAnswer;
  };

  it('tells the path by which the answer came, whatever the peer is called by', async () => {
    pair.introduce();
    for (const name of ['b', '10.100.0.2', encodePublicKey(pair.b.publicKey)]) {
      expect(await ping(name)).toMatchObject({
        ...{ hostname: 'b', virtual_ip: '10.100.0.2' },
        reply: { path: 'direct', by: '203.0.113.2:2', rtt_ms: expect.any(Number) as number },
      });
    }
  });

  it('goes by the relay where no path is direct', async () => {
    pair.carries = ({ kind }) => kind === 'relay';
    pair.introduce();
    pair.useRelay();
    expect(await ping('b')).toMatchObject({ reply: { path: 'relay', by: 'eu' } });
  });

  it('is without an answer after two seconds, and each who asked is told', async () => {
    pair.carries = () => false;
    pair.introduce();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const answers = Promise.all([ping('b'), ping('b')]);
    await vi.advanceTimersByTimeAsync(2000);
    expect((await answers).map(({ reply }) => reply)).toEqual([null, null]);
  });

  it('is refused for somebody who is not there', async () => {
    expect(await pair.pings.ping('c', monotonicNow())).toEqual({ ok: false, error: 'no peer is called c' });
  });
});

// Nodes' relays with real sockets and the relay's real core, on loopback.

import type { Peer } from '@shadownet/contracts';
import { generatePrivateKey, nodeCrypto, SipHasher } from '@shadownet/crypto';
import {
  encodePublicKey,
  parseIpAddress,
  type PublicKey,
  publicKeyFromBytes,
  type RelayPath,
  relayPath,
} from '@shadownet/primitives';
import { isRelayFrame } from '@shadownet/relay';
import { openPortableUdp, type UdpSocket } from '@shadownet/udp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monotonicNow, secureRandom } from '../runtime/clock.js';
import { LoopbackRelay } from '../testing/loopback-relay.js';
import { RecordingLog } from '../testing/recording-log.js';
import { NodeRelays } from './node-relays.js';

const SOON = { timeout: 5000 };
/** What WireGuard calls a keepalive: a relay forwards nothing that does not look like it. */
const MESSAGE = Uint8Array.from([4, ...new Array<number>(31).fill(0)]);

class TestNode {
  readonly log = new RecordingLog();
  readonly received: { readonly bytes: Uint8Array; readonly path: RelayPath }[] = [];
  readonly peerRelays: (string | undefined)[] = [];
  homes = 0;
  readonly transports: string[] = [];
  readonly relays: NodeRelays;
  readonly publicKey: PublicKey;

  private constructor(readonly udp: UdpSocket) {
    const privateKey = nodeCrypto.privateKey(generatePrivateKey(secureRandom));
    this.publicKey = publicKeyFromBytes(privateKey.publicKey)!;
    this.relays = new NodeRelays({
      ...{ crypto: nodeCrypto, random: secureRandom, hasher: new SipHasher(), privateKey },
      ...{ log: this.log, now: monotonicNow, control: new URL('http://127.0.0.1:1'), families: [4] },
      sendDatagram: (bytes, to) => udp.send(bytes, to),
      onEndpoints: () => {},
      onRelayed: (bytes, path) => this.received.push({ bytes, path }),
      onRoutesChanged: () => {},
      onPeerRelay: (_peer, relay) => this.peerRelays.push(relay),
      onRenewed: () => {},
      onHomeChanged: () => this.homes++,
      onTransport: (transport) => this.transports.push(transport),
    });
    udp.onDatagram((datagram, from) => {
      if (isRelayFrame(datagram)) this.relays.handleDatagram(datagram, from);
    });
  }

  static async start(): Promise<TestNode> {
    return new TestNode(await openPortableUdp({ address: parseIpAddress('127.0.0.1')! }));
  }

  knows(other: TestNode, home: string | null): void {
    const peer: Peer = {
      ...{ id: 'other', public_key: encodePublicKey(other.publicKey), virtual_ip: '10.100.0.2', endpoint: null },
      ...{ candidates: [], home_relay: home, hostname: 'other', os: 'Linux', allowed_ips: ['10.100.0.2/32'] },
      ...{ online: true, last_heartbeat: null },
    };
    this.relays.setPeers([peer]);
  }

  async close(): Promise<void> {
    this.relays.close();
    await this.udp.close();
  }
}

describe.each(['udp', 'stream'] as const)('the relays of a node, by %s', (by) => {
  let relay: LoopbackRelay;
  let a: TestNode;
  let b: TestNode;
  beforeEach(async () => {
    relay = await LoopbackRelay.start();
    [a, b] = [await TestNode.start(), await TestNode.start()];
  });
  afterEach(async () => {
    await Promise.all([a.close(), b.close()]);
    await relay.close();
  });

  it('carry the first message, which waits until both are connected', async () => {
    a.knows(b, 'eu');
    b.knows(a, null);
    await a.relays.setRelays([relay.describe('eu', by)]);
    await expect.poll(() => a.peerRelays, SOON).toEqual(['eu']);
    a.relays.send(MESSAGE, relayPath('eu', b.publicKey));
    await b.relays.setRelays([relay.describe('eu', by)]);
    await expect.poll(() => b.received.length, SOON).toBe(1);
    expect(b.received[0]).toEqual({ bytes: MESSAGE, path: relayPath('eu', a.publicKey) });
    // The map did not say where A is at home: there it was heard.
    expect(b.peerRelays).toEqual(['eu']);
    b.relays.send(MESSAGE, relayPath('eu', a.publicKey));
    await expect.poll(() => a.received.length, SOON).toBe(1);
    expect(a.relays.counters()).toMatchObject({ 'relay-datagrams-sent': 1, 'relay-datagrams-received': 1 });
  });

  it('are told of once, with how they are reached', async () => {
    await a.relays.setRelays([relay.describe('eu', by)]);
    await expect.poll(() => a.relays.home, SOON).toBe('eu');
    await expect.poll(() => a.homes, SOON).toBe(1);
    await a.relays.setRelays([relay.describe('eu', by)]);
    a.relays.refresh();
    await expect.poll(() => a.relays.status()[0]?.rtt, SOON).toBeDefined();
    expect(a.log.entries.map(({ event, fields }) => ({ event, ...fields }))).toEqual([
      { event: 'relay-up', relay: 'eu', transport: by },
      { event: 'home-relay', relay: 'eu' },
    ]);
    expect(a.transports).toEqual([by]);
  });

  it('fail over: the home is the other relay, and so is that of a peer whose home has failed', async () => {
    const other = await LoopbackRelay.start();
    try {
      const both = [relay.describe('eu', by), other.describe('us', by)];
      await a.relays.setRelays(both);
      await expect.poll(() => a.relays.home, SOON).toBeDefined();
      const home = a.relays.home!;
      const spare = home === 'eu' ? 'us' : 'eu';
      a.knows(b, home);
      expect(a.peerRelays).toEqual([home]);
      await (home === 'eu' ? relay : other).close();
      a.relays.send(MESSAGE, relayPath(home, b.publicKey));
      await expect.poll(() => a.relays.home, { timeout: 15_000 }).toBe(spare);
      await expect.poll(() => a.peerRelays, SOON).toEqual([home, spare]);
    } finally {
      await other.close();
    }
  });
});

describe('a message for a peer', () => {
  it('is counted if it is too long for a relay', async () => {
    const [a, b] = [await TestNode.start(), await TestNode.start()];
    try {
      a.relays.send(new Uint8Array(2033), relayPath('eu', b.publicKey));
      expect(a.relays.counters()).toEqual({ 'relay-peer-unreachable': 1 });
    } finally {
      await Promise.all([a.close(), b.close()]);
    }
  });
});

// What the network brings to a mesh node: the datagrams of another node, of its STUN servers and of its peers' probes, changed.
import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import type { NetworkMap } from '@shadownet/contracts';
import {
  addDuration,
  encodePublicKey,
  type Instant,
  instant,
  milliseconds,
  parseEndpoint,
  type PublicKey,
  Secret,
  udpPath,
} from '@shadownet/primitives';
import { type SeededRandom } from '@shadownet/testlab';
import { Tunnel, type TunnelOutput } from '@shadownet/tunnel';
import { Tai64nSource } from '@shadownet/wireguard';
import type { FuzzTarget } from '../fuzz-target.js';

const ALICE = parseEndpoint('192.0.2.1:51820')!;
const BOB = parseEndpoint('192.0.2.2:51820')!;
const STUN_SERVER = parseEndpoint('203.0.113.10:3478')!;
const STRANGER = parseEndpoint('198.51.100.66:6666')!;
const SOURCES = [ALICE, STUN_SERVER, STRANGER];
const WALL_START = 1_800_000_000_000_000_000n;
/** A triggered check for each new source that is authenticated, and the answer itself. */
const MAX_ANSWERS = 3;
const MAX_ANSWER_LENGTH = 200;

export const tunnelDatagram: FuzzTarget = {
  name: 'tunnel-datagram',
  inputs: 15_000,
  maxLength: 1500,
  start(random) {
    let now = instant(1000);
    const alice = new Node(random, () => now);
    const bob = new Node(random, () => now);
    alice.meet(bob, '10.100.0.2', '192.0.2.2');
    bob.meet(alice, '10.100.0.1', '192.0.2.1');
    bob.tunnel.setStunServers([STUN_SERVER], now, bob.out);
    const genuine: Uint8Array[] = [];
    const exchange = (rounds: number): void => {
      for (let i = 0; i < rounds; i++) {
        now = addDuration(now, milliseconds(100));
        for (const node of [alice, bob]) node.tunnel.handleTimeout(now, node.out);
        for (const datagram of alice.take()) {
          if (genuine.length < 200) genuine.push(datagram);
          bob.tunnel.handleDatagram(datagram, udpPath(ALICE), now, bob.out);
        }
        for (const datagram of bob.take()) {
          if (genuine.length < 200) genuine.push(datagram);
          alice.tunnel.handleDatagram(datagram, udpPath(BOB), now, alice.out);
        }
        drain(alice.tunnel);
        drain(bob.tunnel);
      }
    };
    exchange(50);
    return {
      examples: () => genuine,
      feed(input) {
        const from = SOURCES[random.integer(0, SOURCES.length - 1)]!;
        bob.tunnel.handleDatagram(input, udpPath(from), now, bob.out);
        drain(bob.tunnel);
        const answers = bob.take();
        const longest = Math.max(0, ...answers.map(({ length }) => length));
        if (answers.length > MAX_ANSWERS || longest > MAX_ANSWER_LENGTH) {
          throw new Error(`${String(answers.length)} answers of up to ${String(longest)} bytes`);
        }
      },
      finish() {
        exchange(300);
        const [link] = bob.tunnel.status(now).peers;
        if (link?.pathState !== 'connected') throw new Error(`the link is ${String(link?.pathState)}`);
      },
    };
  },
};

class Node {
  readonly tunnel: Tunnel;
  readonly #sent: Uint8Array[] = [];
  readonly out: TunnelOutput = {
    datagram: (bytes) => void this.#sent.push(Uint8Array.from(bytes)),
    packet: () => {},
  };

  constructor(
    random: SeededRandom,
    private readonly now: () => Instant,
  ) {
    const wallNanoseconds = (): bigint => WALL_START + BigInt(Math.round(now() * 1e6));
    const timestamps = new Tai64nSource({ wallNanoseconds, lastReserved: 0n, reserve: () => {} });
    const privateKey = Secret.own(generatePrivateKey(random.bytes));
    this.tunnel = new Tunnel(
      { crypto: nodeCrypto, random: random.bytes, timestamps, privateKey, firstProbeCounter: 1n },
      now(),
    );
  }

  get publicKey(): PublicKey {
    return this.tunnel.publicKey;
  }

  meet(other: Node, virtualIp: string, address: string): void {
    const map: NetworkMap = {
      map_version: { epoch: 1, sequence: 1 },
      network_cidr: '10.100.0.0/16',
      peers: [
        {
          id: 'd7cb4c6e-6d5d-4c4b-9e55-0e1b7c3ec001',
          public_key: encodePublicKey(other.publicKey),
          virtual_ip: virtualIp,
          endpoint: null,
          candidates: [{ kind: 'host', ip: address, port: 51820 }],
          hostname: 'other',
          os: 'Linux',
          allowed_ips: [`${virtualIp}/32`],
          online: true,
          last_heartbeat: null,
        },
      ],
    };
    this.tunnel.updateNetworkMap(map, this.now(), this.out);
  }

  take(): Uint8Array[] {
    return this.#sent.splice(0);
  }
}

function drain(tunnel: Tunnel): void {
  while (tunnel.pollEvent()) continue;
}

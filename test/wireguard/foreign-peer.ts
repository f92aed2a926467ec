// A WireGuard peer in the hands of a test: the engine of libs/wireguard without a network of its own, and sockets in a lab to send
// what it says from where, when and how often the test likes.
import { randomBytes } from 'node:crypto';
import { nodeCrypto } from '@shadownet/crypto';
import {
  addDuration,
  decodeBase64,
  encodePublicKey,
  type Instant,
  instant,
  parseEndpoint,
  parseIpPrefix,
  parsePublicKey,
  seconds,
  udpPath,
} from '@shadownet/primitives';
import { type DatagramResult, Device, Tai64nSource } from '@shadownet/wireguard';

const ELSEWHERE = udpPath(parseEndpoint('192.0.2.1:1')!);

export class ForeignPeer {
  readonly privateKey = randomBytes(32).toString('base64');
  readonly publicKey: string;
  readonly #device: Device;
  readonly #remote;
  #said: Uint8Array[] = [];
  #now: Instant = instant(1_000_000);
  readonly #out = {
    datagram: (bytes: Uint8Array) => void this.#said.push(Uint8Array.from(bytes)),
    packet: () => undefined,
  };

  /** Knows the interface whose public key is given, and sends it everything. */
  constructor(remotePublicKey: string) {
    this.#device = new Device({
      crypto: nodeCrypto,
      random: (length) => new Uint8Array(randomBytes(length)),
      // Its clock stands in for the wall clock, so that later initiations carry later timestamps.
      timestamps: new Tai64nSource({
        wallNanoseconds: () => BigInt(Date.now()) * 1_000_000n + BigInt(Math.round(this.#now * 1e6)),
        lastReserved: 0n,
        reserve: () => undefined,
      }),
      endpoints: 'external',
      maxPeers: 1,
    });
    this.#remote = parsePublicKey(remotePublicKey)!;
    this.#device.setPrivateKey(decodeBase64(this.privateKey)!, this.#now);
    this.publicKey = encodePublicKey(this.#device.publicKey!);
    const allowedIps = [parseIpPrefix('0.0.0.0/0')!, parseIpPrefix('::/0')!];
    this.#device.upsertPeer({ publicKey: this.#remote, allowedIps, path: ELSEWHERE }, this.#now, this.#out);
  }

  /** A fresh initiation, later than all before. */
  initiation(): Uint8Array {
    this.#now = addDuration(this.#now, seconds(6));
    this.#said = [];
    // One that is under way is replaced when it is due again.
    this.#device.handleTimeout(this.#now, this.#out);
    if (this.#said.length === 0) this.#device.initiateHandshake(this.#remote, this.#now, this.#out);
    return this.#said.at(-1)!;
  }

  /** Takes what the interface answered, and returns what is to be said to that. */
  hear(datagram: Uint8Array): { readonly result: DatagramResult; readonly said: readonly Uint8Array[] } {
    this.#said = [];
    const result = this.#device.handleDatagram(datagram, ELSEWHERE, this.#now, this.#out);
    return { result, said: this.#said };
  }

  /** Seals an IP packet; there has to be a session. */
  seal(packet: Uint8Array): Uint8Array {
    this.#said = [];
    this.#device.handlePacket(packet, this.#now, this.#out);
    return this.#said.at(-1)!;
  }
}

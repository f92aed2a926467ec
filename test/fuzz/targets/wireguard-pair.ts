// Two engines with a session between them, for the targets that need one: `bob` is fuzzed, `alice` makes what he is fed.
import { nodeCrypto } from '@shadownet/crypto';
import {
  addDuration,
  type Instant,
  instant,
  milliseconds,
  parseEndpoint,
  parseIpPrefix,
  udpPath,
} from '@shadownet/primitives';
import { type SeededRandom } from '@shadownet/testlab';
import { type DatagramResult, Device, type DeviceOutput, Tai64nSource } from '@shadownet/wireguard';

export const ALICE_PATH = udpPath(parseEndpoint('192.0.2.1:1000')!);
export const BOB_PATH = udpPath(parseEndpoint('192.0.2.2:2000')!);
/** Alice may be anybody in here; bob is the default route of alice. */
export const ALICE_PREFIXES = ['10.0.0.1/32', 'fd00::1/128'];

const WALL_START = 1_800_000_000_000_000_000n;

/** What a device sent and delivered, kept until it is taken. */
export class Outbox implements DeviceOutput {
  datagrams: Uint8Array[] = [];
  packets: Uint8Array[] = [];
  readonly datagram: DeviceOutput['datagram'] = (bytes) => void this.datagrams.push(Uint8Array.from(bytes));
  readonly packet: DeviceOutput['packet'] = (bytes) => void this.packets.push(Uint8Array.from(bytes));

  take(): { readonly datagrams: readonly Uint8Array[]; readonly packets: readonly Uint8Array[] } {
    const { datagrams, packets } = this;
    this.datagrams = [];
    this.packets = [];
    return { datagrams, packets };
  }
}

export class WireGuardPair {
  readonly alice: Device;
  readonly bob: Device;
  readonly fromAlice = new Outbox();
  readonly fromBob = new Outbox();
  now: Instant = instant(1000);

  constructor(private readonly random: SeededRandom) {
    this.alice = this.#device();
    this.bob = this.#device();
    const prefixes = (texts: readonly string[]) => texts.map((text) => parseIpPrefix(text)!);
    const toAlice = { publicKey: this.alice.publicKey!, allowedIps: prefixes(ALICE_PREFIXES), path: ALICE_PATH };
    const toBob = { publicKey: this.bob.publicKey!, allowedIps: prefixes(['0.0.0.0/0', '::/0']), path: BOB_PATH };
    this.bob.upsertPeer(toAlice, this.now, this.fromBob);
    this.alice.upsertPeer(toBob, this.now, this.fromAlice);
  }

  /** A handshake begun by alice; everything that was said, in order. */
  handshake(): Uint8Array[] {
    this.pass(6000);
    this.alice.initiateHandshake(this.bob.publicKey!, this.now, this.fromAlice);
    const said: Uint8Array[] = [];
    for (let round = 0; round < 4; round++) {
      for (const datagram of this.fromAlice.take().datagrams) {
        said.push(datagram);
        this.toBob(datagram);
      }
      for (const datagram of this.fromBob.take().datagrams) {
        said.push(datagram);
        this.alice.handleDatagram(datagram, BOB_PATH, this.now, this.fromAlice);
      }
    }
    this.#drainEvents();
    return said;
  }

  toBob(datagram: Uint8Array, path = ALICE_PATH): DatagramResult {
    const result = this.bob.handleDatagram(datagram, path, this.now, this.fromBob);
    this.#drainEvents();
    return result;
  }

  pass(ms: number): void {
    this.now = addDuration(this.now, milliseconds(ms));
    this.bob.handleTimeout(this.now, this.fromBob);
    this.alice.handleTimeout(this.now, this.fromAlice);
    this.#drainEvents();
  }

  #device(): Device {
    const device = new Device({
      crypto: nodeCrypto,
      random: this.random.bytes,
      timestamps: new Tai64nSource({
        wallNanoseconds: () => WALL_START + BigInt(Math.round(this.now * 1e6)),
        lastReserved: 0n,
        reserve: () => {},
      }),
      endpoints: 'roaming',
      maxPeers: 8,
    });
    device.setPrivateKey(this.random.bytes(32), this.now);
    return device;
  }

  #drainEvents(): void {
    for (const device of [this.alice, this.bob]) while (device.pollEvent()) continue;
  }
}

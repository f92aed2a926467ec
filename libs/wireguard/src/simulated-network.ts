// Devices on a simulated network and clock, for this lib's specs: datagrams take time, get lost, doubled and out of order as
// a seeded generator decides, so that every run of a scenario is the same. Nothing in the product uses it.

import type { CryptoProvider, RandomBytes } from '@shadownet/crypto';
import {
  addDuration,
  type Duration,
  type Endpoint,
  formatEndpoint,
  type Instant,
  instant,
  milliseconds,
  parseEndpoint,
  parseIpAddress,
  parseIpPrefix,
  type Path,
  type PublicKey,
  remoteOf,
  type Secret,
  udpPath,
} from '@shadownet/primitives';
import { Device } from './device.js';
import type { DatagramResult, DeviceEvent, DeviceOptions, DeviceOutput, PacketResult } from './device-types.js';
import { Tai64nSource } from './handshake/timestamp.js';
import type { PacketFilterFactory } from './packet-filter.js';

export interface Transit {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly at: Instant;
}

export interface HostOptions {
  readonly endpoint: string;
  readonly endpoints?: DeviceOptions['endpoints'];
  readonly privateKey?: Uint8Array;
  readonly lastReserved?: bigint;
  readonly handshakesPerSecond?: number;
  readonly maxPeers?: number;
  readonly packetFilter?: PacketFilterFactory;
}

/** The wall clock of all hosts at simulated time zero: 2026-01-01. */
const WALL_START = 1_767_225_600_000_000_000n;

export class SimulatedNetwork {
  readonly crypto: CryptoProvider;
  readonly random: RandomBytes;
  now: Instant = instant(0);
  delay: Duration = milliseconds(10);
  /** Probabilities of 0…1. */
  loss = 0;
  duplication = 0;
  /** Adds up to so much to the delay of each datagram, which lets one overtake another. */
  delayVariation: Duration = milliseconds(0);
  /** Every datagram that was sent, also those that were lost. */
  readonly sent: Transit[] = [];
  /** Decides for each datagram whether it passes. */
  passes: (transit: Transit) => boolean = () => true;

  readonly #hosts: SimulatedHost[] = [];
  readonly #inFlight: Transit[] = [];

  constructor(crypto: CryptoProvider, seed = 1) {
    this.crypto = crypto;
    this.random = seededRandom(seed);
  }

  host(options: HostOptions): SimulatedHost {
    const host = new SimulatedHost(this, options);
    this.#hosts.push(host);
    return host;
  }

  /** Takes a host off the network, as a crash does. */
  unplug(host: SimulatedHost): void {
    this.#hosts.splice(this.#hosts.indexOf(host), 1);
  }

  send(bytes: Uint8Array, from: Endpoint, to: Endpoint): void {
    const copy = Uint8Array.from(bytes);
    const transit = { bytes: copy, from, to, at: this.now };
    this.sent.push(transit);
    if (!this.passes(transit) || this.#chance(this.loss)) return;
    this.#launch(transit);
    if (this.#chance(this.duplication)) this.#launch(transit);
  }

  /** Lets `span` pass, with all that happens in it. */
  run(span: Duration): void {
    const end = addDuration(this.now, span);
    for (;;) {
      const arrival = this.#inFlight[0];
      const due = this.#hosts
        .map((host) => ({ host, at: host.device.pollTimeout()?.at ?? Infinity }))
        .reduce((a, b) => (b.at < a.at ? b : a));
      if (arrival && arrival.at <= due.at && arrival.at <= end) {
        this.#inFlight.shift();
        this.now = arrival.at;
        const to = formatEndpoint(arrival.to);
        this.#hosts.find((host) => formatEndpoint(host.endpoint) === to)?.receive(arrival.bytes, udpPath(arrival.from));
      } else if (due.at <= end) {
        this.now = Math.max(this.now, due.at) as Instant;
        due.host.handleTimeout();
      } else break;
    }
    this.now = end;
  }

  #launch(transit: Transit): void {
    const at = addDuration(addDuration(this.now, this.delay), (this.#fraction() * this.delayVariation) as Duration);
    const position = this.#inFlight.findLastIndex((other) => other.at <= at) + 1;
    this.#inFlight.splice(position, 0, { ...transit, at });
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.#fraction() < probability;
  }

  #fraction(): number {
    const [a, b, c] = this.random(3) as unknown as [number, number, number];
    return (a | (b << 8) | (c << 16)) / 2 ** 24;
  }
}

export class SimulatedHost implements DeviceOutput {
  readonly device: Device;
  readonly privateKey: Uint8Array;
  endpoint: Endpoint;
  /** What the host's applications got, and from whom. */
  readonly received: { readonly packet: Uint8Array; readonly peer: PublicKey }[] = [];
  readonly events: DeviceEvent[] = [];
  readonly results: DatagramResult[] = [];
  /** What timestamps were reserved up to: what a real host keeps on disk. */
  reserved: bigint;
  readonly #network: SimulatedNetwork;

  constructor(network: SimulatedNetwork, options: HostOptions) {
    this.#network = network;
    this.endpoint = parseEndpoint(options.endpoint)!;
    this.reserved = options.lastReserved ?? 0n;
    this.device = new Device({
      crypto: network.crypto,
      random: network.random,
      timestamps: new Tai64nSource({
        wallNanoseconds: () => WALL_START + BigInt(Math.round(network.now * 1e6)),
        lastReserved: this.reserved,
        reserve: (until) => (this.reserved = until),
      }),
      endpoints: options.endpoints ?? 'roaming',
      maxPeers: options.maxPeers ?? 8,
      ...(options.packetFilter && { packetFilter: options.packetFilter }),
      ...(options.handshakesPerSecond !== undefined && { handshakesPerSecond: options.handshakesPerSecond }),
    });
    this.privateKey = options.privateKey ?? network.random(32);
    this.device.setPrivateKey(this.privateKey, network.now);
  }

  get publicKey(): PublicKey {
    return this.device.publicKey!;
  }

  get path(): Path {
    return udpPath(this.endpoint);
  }

  addPeer(
    peer: SimulatedHost,
    allowedIps: string,
    more: {
      readonly path?: Path | undefined;
      readonly presharedKey?: Secret;
      readonly persistentKeepalive?: Duration;
    } = {
      path: peer.path,
    },
  ): void {
    const { path, ...rest } = more;
    const prefixes = allowedIps.split(',').map((text) => parseIpPrefix(text)!);
    const configuration = { publicKey: peer.publicKey, allowedIps: prefixes, ...rest, ...(path && { path }) };
    this.device.upsertPeer(configuration, this.#network.now, this);
    this.#drain();
  }

  sendPacket(packet: Uint8Array): PacketResult {
    const result = this.device.handlePacket(packet, this.#network.now, this);
    this.#drain();
    return result;
  }

  receive(bytes: Uint8Array, path: Path): DatagramResult {
    const result = this.device.handleDatagram(bytes, path, this.#network.now, this);
    this.results.push(result);
    this.#drain();
    return result;
  }

  initiate(peer: SimulatedHost): void {
    this.device.initiateHandshake(peer.publicKey, this.#network.now, this);
    this.#drain();
  }

  setPath(peer: SimulatedHost, path: Path | undefined): void {
    this.device.setPeerPath(peer.publicKey, path, this.#network.now, this);
    this.#drain();
  }

  handleTimeout(): void {
    this.device.handleTimeout(this.#network.now, this);
    this.#drain();
  }

  datagram(bytes: Uint8Array, path: Path): void {
    this.#network.send(bytes, this.endpoint, remoteOf(path)!);
  }

  packet(bytes: Uint8Array, peer: PublicKey): void {
    this.received.push({ packet: Uint8Array.from(bytes), peer });
  }

  /** The payloads of the received packets as numbers, for packets made by `ipv4Packet`. */
  get receivedNumbers(): number[] {
    return this.received.map(({ packet }) => new DataView(packet.buffer).getUint32(20));
  }

  eventsOf<Kind extends DeviceEvent['kind']>(kind: Kind): Extract<DeviceEvent, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<DeviceEvent, { kind: Kind }> => event.kind === kind);
  }

  #drain(): void {
    for (let event = this.device.pollEvent(); event; event = this.device.pollEvent()) this.events.push(event);
  }
}

/** An IPv4 packet of `length` bytes that carries a number. */
export function ipv4Packet(source: string, destination: string, number = 0, length = 24): Uint8Array {
  const packet = new Uint8Array(length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  view.setUint16(2, length);
  packet.set(parseIpAddress(source)!.bytes, 12);
  packet.set(parseIpAddress(destination)!.bytes, 16);
  if (length >= 24) view.setUint32(20, number);
  return packet;
}

/** Bytes of the generator mulberry32: reproducible, and good for nothing secret. */
export function seededRandom(seed: number): RandomBytes {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return (length) => Uint8Array.from({ length }, () => next() >>> 24);
}

// A worker that sends. One packet out, in the order it travels:
//
//   1. read its queue of the TUN: a packet or a superpacket of up to 64 KB behind a virtio header
//   2. destination → peer (allowed IPs) → current session and path; without them the packets go to the core, which stages them,
//      as do our own messages that the host has routed into the tunnel
//   3. reserve as many counters as there will be packets, look again whether the session lives; those of the relay's session, too, if
//      the path leads to a relay
//   4. cut, pad, seal into the batch, behind a relay's header if need be
//   5. a batch leaves in one sendmsg with UDP_SEGMENT: packets of one size for one path with one ECN codepoint
//
// Everything else about a peer is the core's.

import type { SipHasher } from '@shadownet/crypto';
import {
  AEAD_TAG_BYTES,
  mayBeSourceRefusal,
  MSG_DONTWAIT,
  packetCalls,
  type PinnedBlock,
  SealingContext,
  SendHeader,
} from '@shadownet/native';
import type { Instant } from '@shadownet/primitives';
import { FRAME_HEADER_BYTES, FrameType, MAX_PAYLOAD_BYTES, sealFrame } from '@shadownet/relay';
import { ecnOf, type PacketFilterFactory, TRANSPORT_HEADER_LENGTH } from '@shadownet/wireguard';

import { allocateHashingMemory } from './hashing-memory.js';
import { PacketWorker } from './packet-worker.js';
import { type RelayDestination, SendingRelays } from './sending-relays.js';
import { type Destination, SendingSessions } from './sending-sessions.js';
import { allocateSummingMemory } from './summing-memory.js';
import { SuperpacketCutter } from './superpacket-cutter.js';
import { IPV4, IPV6, PROTOCOL_UDP, UDP, VIRTIO_HEADER_LENGTH } from './virtio-header.js';
import { COUNTER, type WorkerStart } from './worker-protocol.js';

/** One read: the virtio header, the largest superpacket, and the padding of its last packet. */
const READ_BYTES = VIRTIO_HEADER_LENGTH + 65_536;
const PADDING_MULTIPLE = 16;
/** Packets begin on 16 bytes when they are read to here. */
const READ_OFFSET = 16 - VIRTIO_HEADER_LENGTH;

/** What one sendmsg carries at most (udp(7), UDP_MAX_SEGMENTS and the largest IPv4 datagram). */
const MAX_SEGMENTS = 64;
const MAX_BATCH_BYTES = 65_507;
/** A datagram of an interface with a large MTU may be as long as the batch. */
const BATCH_BYTES = MAX_BATCH_BYTES + 2048;

/** Reads in a row before the doorbell is looked at. */
const READS_PER_TURN = 64;
/** How long a full socket buffer is waited for before the batch is dropped, in ms. */
const FULL_BUFFER_WAIT = 20;
/** Of a path on which a batch failed: bursts stay plain so long, in ms. */
const PLAIN_TIME = 10_000;

/** Little-endian, with the three reserved bytes (whitepaper §5.4.6). */
const TRANSPORT_MESSAGE = 4;

// Errors of sendmsg, as Linux numbers them (asm-generic/errno.h).
const EINTR = -4;
const EIO = -5;
const EAGAIN = -11;
const EINVAL = -22;
const EMSGSIZE = -90;

export class TransmitWorker extends PacketWorker {
  protected readonly waitsFor = 'tun';
  readonly #calls = packetCalls();
  readonly #aead = new SealingContext();
  readonly #sending: SendingSessions;
  readonly #relays: SendingRelays;
  readonly #input: PinnedBlock;
  readonly #inputView: DataView;
  readonly #cutter: SuperpacketCutter;
  readonly #batch: PinnedBlock;
  readonly #batchView: DataView;
  readonly #hasher: SipHasher | undefined;
  #header: SendHeader | undefined;
  /** What the padding of a packet stands on. */
  readonly #covered = new Uint8Array(PADDING_MULTIPLE);

  #destinationPath = -1;

  // The batch so far.
  #used = 0;
  #segments = 0;
  #segmentSize = 0;
  #batchPath = -1;
  #ecn = 0;

  #segmentation: 'available' | 'failed' = 'available';
  readonly #plainUntil = new Map<number, Instant>();
  /** Paths whose local address the system did not let us send from: it chooses, until the next epoch or another entry. */
  readonly #sourceless = new Set<number>();
  #now: Instant;

  constructor(start: WorkerStart, makeFilter?: PacketFilterFactory) {
    super(start, makeFilter);
    this.#sending = new SendingSessions(this.sessions, this.peers, this.#aead);
    this.#relays = new SendingRelays(this.relaySessions, this.paths);
    const input = allocateSummingMemory(READ_OFFSET + READ_BYTES + PADDING_MULTIPLE);
    this.#input = input.block;
    this.#inputView = viewOf(this.#input);
    this.#cutter = new SuperpacketCutter(this.#input.bytes, input.sum);
    const batch = allocateHashingMemory(BATCH_BYTES);
    this.#batch = batch.block;
    this.#hasher = batch.hasher;
    this.#batchView = viewOf(this.#batch);
    this.#now = this.now();
  }

  protected work(): boolean {
    this.#now = this.now();
    let more = true;
    for (let reads = 0; more && reads < READS_PER_TURN; reads++) {
      const length = this.#calls.read(this.ownQueue, this.#input.address + READ_OFFSET, READ_BYTES);
      if (length > 0) this.#take(length);
      else more = false;
    }
    this.#flush();
    return more;
  }

  protected forget(): void {
    this.#flush();
    this.#sending.forget();
    this.#relays.forget();
    this.#destinationPath = -1;
    this.#plainUntil.clear();
    this.#sourceless.clear();
  }

  protected end(): void {
    this.#aead.free();
  }

  #take(length: number): void {
    const packet = READ_OFFSET + VIRTIO_HEADER_LENGTH;
    const end = READ_OFFSET + length;
    const isIpv4 = end > packet && this.#inputView.getUint8(packet) >> 4 === 4;
    if (end - packet < (isIpv4 ? IPV4.headerLength : IPV6.headerLength))
      return this.control.count(COUNTER.malformedPacket);
    const packets = this.#cutter.begin(READ_OFFSET, end);
    if (packets === 0) return this.control.count(COUNTER.malformedPacket);
    // Without a socket the interface has just come up, which the core learns from its first packet, whatever that is.
    if (!this.socket) return this.#handToCore(packets);
    const peer = this.#peerOf(packet, isIpv4);
    if (peer < 0) return this.control.count(COUNTER.noPeerForDestination);

    const destination = this.#sending.find(peer, this.#now);
    if (!destination || this.#carriesMessageTo(destination, packet, end, isIpv4)) return this.#handToCore(packets);
    if (!this.passesFilter('out', peer, this.#inputView, packet, end - packet, this.#now)) return;
    const first = this.#sending.reserve(destination, packets);
    if (first === undefined) return this.#handToCore(packets);
    const relay = this.#relays.find(destination.pathEntry);
    if (!relay) return this.#send(destination, first, packets, ecnOf(this.#input.bytes, packet));
    const frame = this.#maySendTo(relay) ? this.#relays.reserve(relay, packets) : undefined;
    if (frame === undefined) return this.#handToCore(packets);
    // A relay does not hand on what happens to the codepoint before it, so that there is none.
    this.#send(destination, first, packets, 0, { ...relay, counter: frame });
  }

  /** Frames are of a limited length; what an interface with a larger MTU is given is the core's to refuse. */
  #maySendTo({ session }: RelayDestination): boolean {
    const fits = this.mtu + TRANSPORT_HEADER_LENGTH + AEAD_TAG_BYTES <= MAX_PAYLOAD_BYTES;
    return fits && this.#hasher !== undefined && this.relaySessions.isLive(session);
  }

  #peerOf(packet: number, isIpv4: boolean): number {
    if (!this.allowedIps) return -1;
    return isIpv4
      ? this.allowedIps.lookup(4, this.#inputView, packet + IPV4.destination)
      : this.allowedIps.lookup(6, this.#inputView, packet + IPV6.destination);
  }

  /** What looks like our own message on its way back into the tunnel: the core knows for sure (routing-loop.ts of libs/wireguard). */
  #carriesMessageTo({ remoteIndex }: Destination, packet: number, end: number, isIpv4: boolean): boolean {
    const view = this.#inputView;
    if (view.getUint8(packet + (isIpv4 ? IPV4.protocol : IPV6.nextHeader)) !== PROTOCOL_UDP) return false;
    const header = isIpv4 ? (view.getUint8(packet) & 15) * 4 : IPV6.headerLength;
    const payload = packet + header + UDP.headerLength;
    const isFramed = payload < end && view.getUint8(payload) === FrameType.data;
    const message = payload + (isFramed ? FRAME_HEADER_BYTES : 0);
    return (
      message + TRANSPORT_HEADER_LENGTH <= end &&
      view.getUint32(message, true) === TRANSPORT_MESSAGE &&
      view.getUint32(message + 4, true) === remoteIndex
    );
  }

  /** `frames`: how they leave by a relay, with the counter of the first. */
  #send(
    destination: Destination,
    firstCounter: bigint,
    packets: number,
    ecn: number,
    frames?: RelayDestination & { readonly counter: number },
  ): void {
    const cutter = this.#cutter;
    const view = this.#batchView;
    let low = Number(BigInt.asUintN(32, firstCounter));
    let high = Number(firstCounter >> 32n);
    let bytes = 0;
    let largest = 0;
    const header = frames ? FRAME_HEADER_BYTES : 0;
    for (let i = 0; i < packets; i++) {
      cutter.next();
      const padded = this.#paddedLength(cutter.length);
      const sealed = TRANSPORT_HEADER_LENGTH + padded + AEAD_TAG_BYTES;
      const length = header + sealed;
      this.#makeRoom(destination.pathEntry, ecn, length);
      const at = this.#used + header;
      view.setUint32(at, TRANSPORT_MESSAGE, true);
      view.setUint32(at + 4, destination.remoteIndex, true);
      view.setUint32(at + 8, low, true);
      view.setUint32(at + 12, high, true);
      const target = this.#batch.address + at + TRANSPORT_HEADER_LENGTH;
      if (padded === cutter.length) this.#aead.seal(low, high, this.#input.address + cutter.at, padded, target);
      else this.#sealPadded(low, high, padded, target);
      if (frames) this.#sealFrame(frames, frames.counter + i, length);
      this.#used += length;
      this.#segments++;
      bytes += sealed;
      if (sealed > largest) largest = sealed;
      // A shorter one can only be the last of its batch.
      if (length < this.#segmentSize) this.#flush();
      if (++low === 0x1_0000_0000) {
        low = 0;
        high++;
      }
    }
    this.sessions.recordSent(destination.session, this.#now, bytes);
    this.peers.recordSent(destination.peer, this.#now, largest);
    if (frames) {
      this.relaySessions.recordSent(frames.session, this.#now);
      this.control.count(COUNTER.relayedSent, packets);
    }
    this.reportTraffic();
    this.control.count(COUNTER.packetsSent, packets);
    this.control.count(COUNTER.bytesSent, bytes);
  }

  /** The relay's header before the message that was sealed last. */
  #sealFrame({ key, channel }: RelayDestination, counter: number, length: number): void {
    sealFrame(this.#hasher!, key, this.#batch.bytes, this.#used, length, FrameType.data, channel, counter);
  }

  /** Zeros up to a multiple of 16, but never beyond the MTU (whitepaper §5.4.6). */
  #paddedLength(length: number): number {
    const padded = (length + PADDING_MULTIPLE - 1) & ~(PADDING_MULTIPLE - 1);
    return padded <= this.mtu ? padded : Math.max(length, this.mtu);
  }

  /** The padding lies where the next packet's payload does, which is put back afterwards. */
  #sealPadded(low: number, high: number, padded: number, target: number): void {
    const { bytes, address } = this.#input;
    const { at, length } = this.#cutter;
    const covered = this.#covered;
    const count = padded - length;
    for (let i = 0; i < count; i++) {
      covered[i] = bytes[at + length + i]!;
      bytes[at + length + i] = 0;
    }
    this.#aead.seal(low, high, address + at, padded, target);
    for (let i = 0; i < count; i++) bytes[at + length + i] = covered[i]!;
  }

  /** Sends what cannot go together with the packet that comes next. */
  #makeRoom(path: number, ecn: number, length: number): void {
    if (this.#segments > 0) {
      const fits =
        path === this.#batchPath &&
        ecn === this.#ecn &&
        length <= this.#segmentSize &&
        this.#segments < MAX_SEGMENTS &&
        this.#used + length <= MAX_BATCH_BYTES;
      if (fits) return;
      this.#flush();
    }
    this.#batchPath = path;
    this.#ecn = ecn;
    this.#segmentSize = length;
  }

  #flush(): void {
    if (this.#segments === 0) return;
    const { socket } = this;
    const length = this.#used;
    const segments = this.#segments;
    this.#used = 0;
    this.#segments = 0;
    if (!socket) return this.control.count(COUNTER.sendFailed, segments);
    const isPlain = segments > 1 && !this.#maySegment();
    const result = isPlain ? this.#sendEach(length) : this.#sendAt(0, length, this.#segmentSize);
    if (result >= 0) return this.control.count(COUNTER.batchesSent);
    if (segments > 1 && (result === EIO || result === EINVAL || result === EMSGSIZE)) {
      // EIO: this device has no checksum offload. The others: this path does not carry so large segments in a batch, while
      // the same datagrams sent plain are fragmented and arrive.
      if (result === EIO) this.#segmentation = 'failed';
      else this.#plainUntil.set(this.#batchPath, (this.#now + PLAIN_TIME) as Instant);
      this.#sendEach(length);
      return;
    }
    this.control.count(COUNTER.sendFailed, segments);
  }

  #maySegment(): boolean {
    if (this.#segmentation === 'failed') return false;
    const until = this.#plainUntil.get(this.#batchPath);
    if (until === undefined || this.#now < until) return until === undefined;
    this.#plainUntil.delete(this.#batchPath);
    return true;
  }

  #sendEach(length: number): number {
    let failed = 0;
    for (let at = 0; at < length; at += this.#segmentSize) {
      const size = Math.min(this.#segmentSize, length - at);
      if (this.#sendAt(at, size, size) < 0) failed++;
      else this.control.count(COUNTER.sentUnsegmented);
    }
    if (failed > 0) this.control.count(COUNTER.sendFailed, failed);
    return 0;
  }

  #sendAt(at: number, length: number, segmentSize: number): number {
    const path = this.#batchPath;
    const header = this.#headerFor(path);
    const result = this.#sendmsg(header, at, length, segmentSize);
    if (!header.hasSource || !mayBeSourceRefusal(result)) return result;
    // The same errors have other causes, so that only success without the source tells that it was that.
    header.setSource(undefined);
    const withoutSource = this.#sendmsg(header, at, length, segmentSize);
    if (withoutSource < 0) {
      header.setSource(this.paths.localBytes(path));
      return result;
    }
    this.#sourceless.add(path);
    this.control.count(COUNTER.sourceRefused);
    return withoutSource;
  }

  /** With the ends of the path set. */
  #headerFor(path: number): SendHeader {
    const { family } = this.socket!;
    if (this.#header?.family !== family) {
      this.#header?.release();
      this.#header = new SendHeader(family);
      this.#destinationPath = -1;
    }
    if (this.#destinationPath !== path) {
      this.#header.setDestination(this.paths.addressBytes(path), this.paths.port(path), this.paths.zone(path));
      this.#header.setSource(this.#sourceless.has(path) ? undefined : this.paths.localBytes(path));
      this.#destinationPath = path;
    }
    return this.#header;
  }

  #sendmsg(header: SendHeader, at: number, length: number, segmentSize: number): number {
    const { descriptor } = this.socket!;
    header.setPayload(this.#batch.address + at, length, segmentSize, this.#ecn);
    const result = this.#calls.sendmsg(descriptor, header.address, MSG_DONTWAIT);
    if (result === EAGAIN) this.waitUntilWritable('socket', descriptor, FULL_BUFFER_WAIT);
    else if (result !== EINTR) return result;
    return this.#calls.sendmsg(descriptor, header.address, MSG_DONTWAIT);
  }

  /** Packets that nothing can be done about here: the core stages them and asks for a handshake. */
  #handToCore(packets: number): void {
    for (let i = 0; i < packets; i++) {
      this.#cutter.next();
      const { at, length } = this.#cutter;
      if (length <= this.rings.unsent.maxMessage) this.rings.unsent.write(this.#input.bytes.subarray(at, at + length));
    }
    this.control.count(COUNTER.handedToCore, packets);
    this.notify();
  }
}

function viewOf(block: PinnedBlock): DataView {
  return new DataView(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length);
}

// The worker that receives. In the order a datagram travels:
//
//   1. recvmsg with UDP_GRO: up to 64 KB of equal datagrams from one source
//   2. each is told apart by its bytes; what is not transport data goes to the core by a ring
//   3. receiver index → live session → look at the replay window → open in place → still alive? → window, check and set
//   4. the source address must belong to the peer; an authentic message from elsewhere is noted for the core
//   5. joined with its neighbours, and once more: still alive? → one write to the TUN
//
// Nothing is reported by a message per packet: the core reads cells.

import {
  AEAD_TAG_BYTES,
  GatherList,
  MSG_DONTWAIT,
  OpeningContext,
  packetCalls,
  type PinnedBlock,
  ReceiveHeader,
} from '@shadownet/native';
import { assertNever, classifyDatagram, durationBetween, type Instant, type ReplayWindow } from '@shadownet/primitives';
import {
  decapsulatedEcn,
  ECN_MASK,
  ecnOf,
  type InnerPacket,
  parseInnerPacket,
  REJECT_AFTER_TIME,
  type SessionRef,
  TRANSPORT_HEADER_LENGTH,
} from '@shadownet/wireguard';

import { PacketWorker } from './packet-worker.js';
import { type PacketGroup, SegmentJoiner } from './segment-joiner.js';
import { SOURCE_TAG_LENGTH, writeSourceTag } from './source-tag.js';
import { allocateSummingMemory } from './summing-memory.js';
import { IPV4, VIRTIO_HEADER_LENGTH } from './virtio-header.js';
import { COUNTER, type WorkerStart } from './worker-protocol.js';

const RECEIVE_BYTES = 65_535;
/** Receives in a row before the doorbell is looked at. */
const RECEIVES_PER_TURN = 32;
/** Superpackets have at most 64 KB, of segments with at least some bytes; longer lists are written in part. */
const MAX_GATHERED = 1024;
/** How long a full TUN is waited for before the packet is dropped, in ms. */
const FULL_TUN_WAIT = 5;
/** Between two messages without a session that the core is shown, in ms. */
const STRAY_INTERVAL = 100;
/** All of such a message that the core reads: what a transport message has at least. */
const STRAY_BYTES = TRANSPORT_HEADER_LENGTH + AEAD_TAG_BYTES;

const EAGAIN = -11;

/** A session as the worker knows it until the next epoch, and what it carried since the last receive. */
interface OpenSession {
  readonly ref: SessionRef;
  readonly peer: number;
  readonly createdAt: Instant;
  readonly window: ReplayWindow;
  bytes: number;
  dataPackets: number;
  /** The flow (ReceiveHeader) whose ends were compared with the peer's path, and that path. */
  comparedFlow: number;
  comparedPath: number | undefined;
  confirmation: 'wanted' | 'done';
}

export class ReceiveWorker extends PacketWorker {
  protected readonly waitsFor = 'socket';
  readonly #calls = packetCalls();
  readonly #aead = new OpeningContext();
  readonly #input: PinnedBlock;
  readonly #inputView: DataView;
  readonly #gather = new GatherList(MAX_GATHERED);
  readonly #joiner: SegmentJoiner<OpenSession>;
  readonly #message: Uint8Array;
  readonly #sessions = new Map<number, OpenSession>();
  /** Those that carried something in this receive. */
  readonly #active: OpenSession[] = [];
  #header: ReceiveHeader | undefined;
  #keyOf: OpenSession | undefined;
  #last: OpenSession | undefined;
  #lastIndex = 0;
  #now: Instant;
  #strayShownAt = -Infinity as Instant;

  constructor(start: WorkerStart) {
    super(start);
    const input = allocateSummingMemory(RECEIVE_BYTES);
    this.#input = input.block;
    this.#inputView = new DataView(this.#input.bytes.buffer, this.#input.bytes.byteOffset, RECEIVE_BYTES);
    this.#joiner = new SegmentJoiner(this.#input.bytes, start.tun.joinsUdp, input.sum);
    this.#message = new Uint8Array(SOURCE_TAG_LENGTH + RECEIVE_BYTES);
    this.#now = this.now();
  }

  protected work(): boolean {
    const { socket } = this;
    if (!socket) return false;
    if (this.#header?.family !== socket.family) {
      this.#header?.release();
      this.#header = new ReceiveHeader(socket.family, this.#input.address, RECEIVE_BYTES);
    }
    const header = this.#header;
    this.#now = this.now();
    for (let receives = 0; receives < RECEIVES_PER_TURN; receives++) {
      header.reset();
      const length = this.#calls.recvmsg(socket.descriptor, header.address, MSG_DONTWAIT);
      if (length < 0) return false;
      header.parse();
      if (length > 0 && header.sourcePort !== 0) this.#take(header, length);
    }
    return true;
  }

  protected forget(): void {
    this.#aead.forgetKey();
    this.#keyOf = undefined;
    this.#last = undefined;
    this.#sessions.clear();
  }

  protected end(): void {
    this.#aead.free();
  }

  #take(header: ReceiveHeader, length: number): void {
    const segment = header.segmentSize > 0 ? header.segmentSize : length;
    this.control.count(COUNTER.receives);
    this.control.count(COUNTER.bytesReceived, length);
    for (let at = 0; at < length; at += segment) {
      this.control.count(COUNTER.datagramsReceived);
      this.#takeDatagram(header, at, Math.min(segment, length - at));
      if (this.#joiner.isFull) this.#deliver();
    }
    this.#deliver();
    this.#record();
  }

  #takeDatagram(header: ReceiveHeader, at: number, length: number): void {
    const kind = classifyDatagram(this.#inputView, at, length);
    switch (kind) {
      case 'transport':
        return this.#open(header, at, length);
      case 'handshake':
      case 'stun':
        return this.#handToCore(kind === 'stun' ? 'probes' : 'handshakes', header, at, length);
      case 'unknown':
        return this.control.count(COUNTER.notForUs);
      default:
        return assertNever(kind);
    }
  }

  #open(header: ReceiveHeader, at: number, length: number): void {
    const view = this.#inputView;
    const session = this.#sessionOf(view.getUint32(at + 4, true));
    if (!session) return this.#noteStray(header, at);
    if (durationBetween(session.createdAt, this.#now) >= REJECT_AFTER_TIME) {
      return this.control.count(COUNTER.sessionExpired);
    }
    const low = view.getUint32(at + 8, true);
    const high = view.getUint32(at + 12, true);
    if (!session.window.mayAcceptParts(high, low)) return this.control.count(COUNTER.replayedCounter);

    if (this.#keyOf !== session) {
      this.#aead.setKey(this.sessions.receiveKey(session.ref));
      this.#keyOf = session;
    }
    const packet = at + TRANSPORT_HEADER_LENGTH;
    const packetLength = length - TRANSPORT_HEADER_LENGTH - AEAD_TAG_BYTES;
    const address = this.#input.address + packet;
    if (!this.#aead.open(low, high, address, packetLength, address)) {
      return this.control.count(COUNTER.unauthenticated);
    }
    if (!this.sessions.isLive(session.ref)) return this.control.count(COUNTER.sessionEnded);
    if (!session.window.acceptParts(high, low)) return this.control.count(COUNTER.replayedCounter);

    if (session.bytes === 0) this.#active.push(session);
    session.bytes += length;
    if (packetLength > 0 && !this.#admit(session, packet, packetLength, header.trafficClass)) return;
    // A message that is not as it should be does not lead us anywhere, authentic as it is.
    if (session.comparedFlow !== header.flow || session.comparedPath !== this.peers.pathEntry(session.peer)) {
      this.#compareSource(session, header);
    }
  }

  /** False unless it is a whole IP packet, from one of the peer's own addresses (whitepaper §6). */
  #admit(session: OpenSession, at: number, length: number, trafficClass: number): boolean {
    session.dataPackets++;
    const inner = parseInnerPacket(this.#input.bytes, at, length);
    if (!inner) {
      this.control.count(COUNTER.malformedInner);
      return false;
    }
    if (this.allowedIps?.lookup(inner.family, this.#inputView, at + inner.sourceOffset) !== session.peer) {
      this.control.count(COUNTER.sourceNotAllowed);
      return false;
    }
    const before = ecnOf(this.#input.bytes, at);
    const ecn = decapsulatedEcn(before, trafficClass & ECN_MASK);
    if (ecn === 'drop') {
      this.control.count(COUNTER.congestedNotEct);
      return true;
    }
    if (ecn !== before) this.#setEcn(inner, at, ecn);
    this.#joiner.add(at, inner.length, session);
    return true;
  }

  #sessionOf(index: number): OpenSession | undefined {
    if (this.#last && this.#lastIndex === index) return this.#last;
    let session = this.#sessions.get(index);
    if (!session) {
      const ref = this.indices.find(index);
      if (!ref) return undefined;
      session = {
        ref,
        peer: this.sessions.peer(ref),
        createdAt: this.sessions.createdAt(ref),
        window: this.sessions.replayWindow(ref),
        bytes: 0,
        dataPackets: 0,
        comparedFlow: -1,
        comparedPath: undefined,
        confirmation: this.sessions.state(ref) === 'next' ? 'wanted' : 'done',
      };
      this.#sessions.set(index, session);
    }
    this.#last = session;
    this.#lastIndex = index;
    return session;
  }

  #compareSource(session: OpenSession, header: ReceiveHeader): void {
    const entry = this.peers.pathEntry(session.peer);
    session.comparedFlow = header.flow;
    session.comparedPath = entry;
    const { paths } = this;
    const cameByPath =
      entry !== undefined && header.isFrom(paths.addressBytes(entry), paths.port(entry), paths.zone(entry));
    this.peers.setArrival(session.peer, cameByPath ? 'by-path' : 'elsewhere');
    if (cameByPath && header.isTo(paths.localBytes(entry))) return;
    this.peers.observe(session.peer, header.source(), header.local());
    this.notify();
  }

  /** What was met outside shows inside, with the checksum that goes with it. */
  #setEcn({ family }: InnerPacket, at: number, ecn: number): void {
    const view = this.#inputView;
    if (family === 6) {
      const word = view.getUint16(at);
      return view.setUint16(at, (word & ~(ECN_MASK << 4)) | (ecn << 4));
    }
    const trafficClass = view.getUint8(at + IPV4.trafficClass);
    view.setUint8(at + IPV4.trafficClass, (trafficClass & ~ECN_MASK) | ecn);
    // RFC 1624 §3: HC' = ~(~HC + ~m + m') in one's complement; the word has changed by m' − m.
    const sum = (~view.getUint16(at + IPV4.checksum) & 0xffff) + ecn - (trafficClass & ECN_MASK);
    view.setUint16(at + IPV4.checksum, ~(sum < 0 ? sum - 1 : sum + (sum >>> 16)));
  }

  /**
   * A session that is not ours, or not any more: its owner will learn that from a handshake, which is the core's. It is shown one
   * now and then; more would only help whoever makes them up.
   */
  #noteStray(header: ReceiveHeader, at: number): void {
    if (durationBetween(this.#strayShownAt, this.#now) < STRAY_INTERVAL) {
      return this.control.count(COUNTER.unknownIndex);
    }
    this.#strayShownAt = this.#now;
    this.#handToCore('handshakes', header, at, STRAY_BYTES);
  }

  #handToCore(ring: 'handshakes' | 'probes', header: ReceiveHeader, at: number, length: number): void {
    if (SOURCE_TAG_LENGTH + length > this.rings[ring].maxMessage) return this.control.count(COUNTER.notForUs);
    const message = this.#message.subarray(0, SOURCE_TAG_LENGTH + length);
    writeSourceTag(message, header.source(), header.local());
    message.set(this.#input.bytes.subarray(at, at + length), SOURCE_TAG_LENGTH);
    this.rings[ring].write(message);
    this.notify();
  }

  /** Rule 4: whoever was removed meanwhile is not delivered. */
  #deliver(): void {
    const joiner = this.#joiner;
    for (let i = 0; i < joiner.count; i++) {
      const group = joiner.groups[i]!;
      if (!this.sessions.isLive(group.owner.ref)) {
        this.control.count(COUNTER.sessionEnded, 1 + group.payloads);
        continue;
      }
      joiner.finish(group);
      let result = this.#write(group);
      if (result === EAGAIN && this.waitUntilWritable('tun', FULL_TUN_WAIT)) result = this.#write(group);
      this.control.count(result < 0 ? COUNTER.tunWriteFailed : COUNTER.tunWrites);
    }
    joiner.clear();
  }

  #write(group: PacketGroup<OpenSession>): number {
    const { descriptor } = this.start.tun;
    const start = this.#input.address + group.at - VIRTIO_HEADER_LENGTH;
    const length = VIRTIO_HEADER_LENGTH + group.length;
    if (group.payloads === 0) return this.#calls.write(descriptor, start, length);
    const gather = this.#gather;
    gather.count = 0;
    gather.add(start, length);
    for (let i = 0; i < group.payloads; i++) {
      gather.add(this.#input.address + group.payloadAt[i]!, group.payloadLength[i]!);
    }
    return this.#calls.writev(descriptor, gather.address, gather.count);
  }

  /** One writer per cell (rule 7). The core is woken at once by a first packet under `next` (rule 6). */
  #record(): void {
    let isConfirmed = false;
    for (const session of this.#active) {
      this.sessions.recordReceived(session.ref, this.#now, session.bytes);
      this.peers.recordReceived(session.peer, this.#now);
      if (session.dataPackets > 0) this.peers.recordDataReceived(session.peer, this.#now);
      session.bytes = 0;
      session.dataPackets = 0;
      if (session.confirmation === 'done') continue;
      session.confirmation = 'done';
      if (this.sessions.confirm(session.ref)) isConfirmed = true;
    }
    if (this.#active.length > 0) this.reportTraffic();
    this.#active.length = 0;
    if (isConfirmed) this.notify();
  }
}

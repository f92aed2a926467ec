// A worker that receives. In the order a datagram travels:
//
//   1. as leader: recvmsg with UDP_GRO, up to 64 KB of equal datagrams from one source, and a ticket for them
//   2. each is told apart by its bytes; what a relay has sent has to pass a gate (relay-frame-gate.ts), and what it carries is told
//      apart in the same way; receiver index → live session → look at the replay window → open in place; a handshake
//      message has to pass the gate (handshake-gate.ts)
//   3. in its turn: still alive? → window, check and set; an authentic message from elsewhere is noted for the core
//   4. the source address must belong to the peer; joined with its neighbours
//   5. in its turn: once more, still alive? → one write to the TUN; what is not transport data goes to the core by a ring
//
// Several of them take turns at the socket, the windows and the TUN (receive-order.ts), and do 2 and 4 side by side. Nothing is
// reported by a message per packet: the core reads cells.

import { chooseMacProvider } from '@shadownet/crypto';
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
import { channelOf, FRAME_HEADER_BYTES, FrameType } from '@shadownet/relay';
import {
  decapsulatedEcn,
  ECN_MASK,
  ecnOf,
  type InnerPacket,
  originsEqual,
  type PacketFilterFactory,
  parseInnerPacket,
  REJECT_AFTER_TIME,
  type RelayOrigin,
  type SessionRef,
  TRANSPORT_HEADER_LENGTH,
} from '@shadownet/wireguard';

import { setEcn } from './ecn-field.js';
import { flowHash } from './flow-hash.js';
import { ADMISSION_TAG, type GateVerdict, HandshakeGate } from './handshake-gate.js';
import { PacketWorker } from './packet-worker.js';
import { ReceiveOrder } from './receive-order.js';
import { checkedFrameTag, type OpenRelaySession, RelayFrameGate, UNCHECKED_FRAME } from './relay-frame-gate.js';
import { type PacketGroup, SegmentJoiner } from './segment-joiner.js';
import { SOURCE_TAG_LENGTH, writeSourceTag } from './source-tag.js';
import { allocateSummingMemory } from './summing-memory.js';
import { VIRTIO_HEADER_LENGTH } from './virtio-header.js';
import { COUNTER, type RingClass, type WorkerCounter, type WorkerStart } from './worker-protocol.js';

const RECEIVE_BYTES = 65_535;
/** Receives in a row before the doorbell is looked at. */
const RECEIVES_PER_TURN = 32;
/** Fewer datagrams than this in one receive are opened before another worker would be awake to take the lead. */
const WORTH_SHARING = 8;
/** Superpackets have at most 64 KB, of segments with at least some bytes; longer lists are written in part. */
const MAX_GATHERED = 1024;
/** How long a full TUN is waited for before the packet is dropped, in ms. */
const FULL_TUN_WAIT = 5;
/** Between two messages without a session that the core is shown, in ms. */
const STRAY_INTERVAL = 100;
/** What a transport message has beside its packet; all that the core reads of a message without a session. */
const MESSAGE_OVERHEAD = TRANSPORT_HEADER_LENGTH + AEAD_TAG_BYTES;

const EAGAIN = -11;

/** How a handshake message that the gate refuses is counted. */
const REFUSAL: Readonly<Record<Exclude<GateVerdict, keyof typeof ADMISSION_TAG>, WorkerCounter>> = {
  'no-private-key': 'noPrivateKey',
  'invalid-mac1': 'invalidMac1',
  'under-load': 'underLoad',
  'rate-limited': 'rateLimited',
  unexpected: 'unexpectedReply',
};

/** Whose ring it is: a flood of one kind must not push out the others. */
const RING_OF = {
  handshake: 'handshakes',
  stray: 'handshakes',
  stun: 'probes',
  'relay-frame': 'relayFrames',
} as const satisfies Record<CoreMessage['kind'], RingClass>;

/** A session as the worker knows it until the next epoch, and what it carried since the last receive. */
interface OpenSession {
  readonly ref: SessionRef;
  readonly peer: number;
  readonly createdAt: Instant;
  readonly window: ReplayWindow;
  bytes: number;
  dataPackets: number;
  largest: number;
  /** The receive after which its ends were compared with the peer's path: the flow (ReceiveHeader), the path, and what was noted then. */
  comparedReceive: number;
  comparedFlow: number;
  /** Of the relay's frame; 0 for what came straight from the peer. */
  comparedChannel: number;
  comparedPath: number | undefined;
  comparedObservation: number;
  comparedArrival: 'by-path' | 'elsewhere';
  confirmation: 'wanted' | 'done';
}

/** A transport message of the receive in hand; made once for each place in it. */
interface TransportMessage {
  session: OpenSession;
  at: number;
  length: number;
  content: Content;
  /** Of the frame that it came in, whose header is right before it. */
  relay: OpenRelaySession | undefined;
}

/**
 * What a transport message has in it. `doubtful`: its window would refuse it, so that it was not opened yet; that is certain only
 * when it is our turn, because until then others write the window.
 */
type Content = InnerPacket | 'keepalive' | 'malformedInner' | 'sourceNotAllowed' | 'doubtful' | 'dropped';

/** What the core has to see of the receive in hand. */
interface CoreMessage {
  readonly kind: 'handshake' | 'stun' | 'relay-frame' | 'stray';
  readonly at: number;
  readonly length: number;
  /** What the gate has decided on a handshake message; the session that a relay's frame was checked by. */
  readonly tag: number;
  /** Of a relay's frame that is authentic: it goes to the core if it is new, too. */
  readonly relay?: OpenRelaySession;
}

export class ReceiveWorker extends PacketWorker {
  protected readonly waitsFor = 'socket';
  readonly #order: ReceiveOrder;
  #leads = false;
  readonly #calls = packetCalls();
  readonly #aead = new OpeningContext();
  readonly #input: PinnedBlock;
  readonly #inputView: DataView;
  readonly #gather = new GatherList(MAX_GATHERED);
  readonly #joiner: SegmentJoiner<OpenSession>;
  readonly #message: Uint8Array;
  readonly #gate: HandshakeGate;
  readonly #frames: RelayFrameGate;
  readonly #sessions = new Map<number, OpenSession>();
  /** Of the receive in hand: the first `#transportCount` are valid; and the sessions that carried something. */
  readonly #transport: TransportMessage[] = [];
  #transportCount = 0;
  readonly #forCore: CoreMessage[] = [];
  readonly #active: OpenSession[] = [];
  #header: ReceiveHeader | undefined;
  #keyOf: OpenSession | undefined;
  #last: OpenSession | undefined;
  #lastIndex = 0;
  #receive = 0;
  #now: Instant;
  #strayShownAt = -Infinity as Instant;

  constructor(start: WorkerStart, makeFilter?: PacketFilterFactory) {
    super(start, makeFilter);
    this.#order = new ReceiveOrder(start.order);
    const input = allocateSummingMemory(RECEIVE_BYTES);
    this.#input = input.block;
    this.#inputView = new DataView(this.#input.bytes.buffer, this.#input.bytes.byteOffset, RECEIVE_BYTES);
    this.#joiner = new SegmentJoiner(this.#input.bytes, start.tun.joinsUdp, input.sum);
    this.#message = new Uint8Array(SOURCE_TAG_LENGTH + RECEIVE_BYTES);
    this.#gate = new HandshakeGate({
      crypto: chooseMacProvider(),
      cells: start.device.handshakes,
      sessions: this.indices,
      ring: this.rings.handshakes,
      workers: start.tun.queues.length,
    });
    this.#frames = new RelayFrameGate(this.relaySessions, input.hasher, this.#input.bytes);
    this.#now = this.now();
  }

  protected work(): boolean {
    const { socket } = this;
    if (!socket) return false;
    if (this.#header?.family !== socket.family) {
      this.#header?.release();
      this.#header = new ReceiveHeader(socket.family, this.#input.address, RECEIVE_BYTES);
      this.#frames.forget();
    }
    const header = this.#header;
    this.#gate.useKeys(this.handshakeKeys);
    this.#now = this.now();
    for (let receives = 0; receives < RECEIVES_PER_TURN; receives++) {
      this.#leads ||= this.#order.tryLead();
      if (!this.#leads) return false;
      header.reset();
      const length = this.#calls.recvmsg(socket.descriptor, header.address, MSG_DONTWAIT);
      if (length < 0) return false;
      header.parse();
      if (length > 0 && header.sourcePort !== 0) this.#take(header, length);
    }
    return true;
  }

  /** For the socket if it leads, else for the lead. */
  protected override wait(timeout: number): void {
    if (this.#leads || !this.socket) return super.wait(timeout);
    const { calls } = this.#order;
    if (!this.isCalled) this.#order.waitToLead(calls, timeout);
  }

  protected forget(): void {
    this.#aead.forgetKey();
    this.#keyOf = undefined;
    this.#last = undefined;
    this.#sessions.clear();
    this.#frames.forget();
  }

  protected end(): void {
    this.#gate.useKeys(undefined);
    this.#aead.free();
  }

  #take(header: ReceiveHeader, length: number): void {
    const ticket = this.#order.takeTicket();
    this.#receive++;
    const segment = header.segmentSize > 0 ? header.segmentSize : length;
    const datagrams = Math.ceil(length / segment);
    if (datagrams >= WORTH_SHARING && this.start.tun.queues.length > 1) {
      this.#leads = false;
      this.#order.giveLeadAway();
    }
    this.control.count(COUNTER.receives);
    this.control.count(COUNTER.bytesReceived, length);
    this.control.count(COUNTER.datagramsReceived, datagrams);
    for (let at = 0; at < length; at += segment) this.#examine(header, at, Math.min(segment, length - at));
    if (this.#settle(header, ticket)) this.#order.passTurn('writes', ticket);
    this.#joiner.clear();
    this.#transportCount = 0;
    this.#forCore.length = 0;
  }

  /** The part whose order matters. False if the worker was stopped while it waited for its turn. */
  #settle(header: ReceiveHeader, ticket: number): boolean {
    const order = this.#order;
    if (!order.waitTurn('windows', ticket, this.control)) return false;
    for (let i = 0; i < this.#transportCount; i++) this.#admit(this.#transport[i]!, header);
    this.#admitFrames();
    this.#record();
    order.passTurn('windows', ticket);

    for (let i = 0; i < this.#transportCount; i++) this.#join(this.#transport[i]!, header.trafficClass);

    if (!order.waitTurn('writes', ticket, this.control)) return false;
    for (const message of this.#forCore) this.#handToCore(message, header);
    this.#deliver();
    return true;
  }

  #examine(header: ReceiveHeader, at: number, length: number): void {
    const kind = classifyDatagram(this.#inputView, at, length);
    switch (kind) {
      case 'transport':
        return this.#examineTransport(at, length);
      case 'handshake':
        return this.#judge(header, at, length);
      case 'relay-frame':
        return this.#examineFrame(header, at, length);
      case 'stun':
        return void this.#forCore.push({ kind, at, length, tag: ADMISSION_TAG.unchecked });
      case 'unknown':
        return this.control.count(COUNTER.notForUs);
      default:
        return assertNever(kind);
    }
  }

  /** Data is ours, all else that a relay sends the core's. */
  #examineFrame(header: ReceiveHeader, at: number, length: number): void {
    const relay = this.#frames.judge(header, this.relays, at, length);
    switch (relay) {
      case 'stranger':
        return this.control.count(COUNTER.notForUs);
      case 'bad-tag':
        return this.control.count(COUNTER.relayFrameUnauthentic);
      case 'unchecked':
        return void this.#forCore.push({ kind: 'relay-frame', at, length, tag: UNCHECKED_FRAME });
      default: {
        const payload = at + FRAME_HEADER_BYTES;
        const payloadLength = length - FRAME_HEADER_BYTES;
        const isData = this.#input.bytes[at] === FrameType.data;
        if (isData && classifyDatagram(this.#inputView, payload, payloadLength) === 'transport') {
          return this.#examineTransport(payload, payloadLength, relay);
        }
        return this.#handFrameToCore(relay, at, length);
      }
    }
  }

  #handFrameToCore(relay: OpenRelaySession, at: number, length: number): void {
    this.#forCore.push({ kind: 'relay-frame', at, length, tag: checkedFrameTag(relay.ref), relay });
  }

  /** What the gate lets through goes to the core, with what was decided on it. */
  #judge(header: ReceiveHeader, at: number, length: number): void {
    const verdict = this.#gate.judge(this.#input.bytes, at, length, () => header.source(), this.#now);
    switch (verdict) {
      case 'process':
      case 'send-cookie':
      case 'unchecked':
        return void this.#forCore.push({ kind: 'handshake', at, length, tag: ADMISSION_TAG[verdict] });
      default:
        return this.control.count(COUNTER[REFUSAL[verdict]]);
    }
  }

  #examineTransport(at: number, length: number, relay?: OpenRelaySession): void {
    const view = this.#inputView;
    const session = this.#sessionOf(view.getUint32(at + 4, true));
    if (!session) return this.#noteStray(at, relay);
    if (durationBetween(session.createdAt, this.#now) >= REJECT_AFTER_TIME) {
      return this.control.count(COUNTER.sessionExpired);
    }
    const mayAccept = session.window.mayAcceptParts(view.getUint32(at + 12, true), view.getUint32(at + 8, true));
    const content = mayAccept ? this.#open(session, at, length) : 'doubtful';
    if (content === undefined) return;
    const message = (this.#transport[this.#transportCount++] ??= { session, at, length, content, relay });
    message.session = session;
    message.at = at;
    message.length = length;
    message.content = content;
    message.relay = relay;
  }

  /** In place. `undefined`, and counted, if the message is not authentic. */
  #open(session: OpenSession, at: number, length: number): Content | undefined {
    if (this.#keyOf !== session) {
      this.#aead.setKey(this.sessions.receiveKey(session.ref));
      this.#keyOf = session;
    }
    const view = this.#inputView;
    const packet = at + TRANSPORT_HEADER_LENGTH;
    const address = this.#input.address + packet;
    const packetLength = length - MESSAGE_OVERHEAD;
    if (!this.#aead.open(view.getUint32(at + 8, true), view.getUint32(at + 12, true), address, packetLength, address)) {
      this.control.count(COUNTER.unauthenticated);
      return undefined;
    }
    return packetLength === 0 ? 'keepalive' : this.#check(session, packet, packetLength);
  }

  /** What is delivered is a whole IP packet, from one of the peer's own addresses (whitepaper §6). */
  #check(session: OpenSession, at: number, length: number): Content {
    const inner = parseInnerPacket(this.#input.bytes, at, length);
    if (!inner) return 'malformedInner';
    const owner = this.allowedIps?.lookup(inner.family, this.#inputView, at + inner.sourceOffset);
    return owner === session.peer ? inner : 'sourceNotAllowed';
  }

  /** In our turn at the windows: whether a message counts as received, and what follows from that. */
  #admit(message: TransportMessage, header: ReceiveHeader): void {
    const content = this.#accept(message);
    message.content = 'dropped';
    if (content === undefined) return;
    const { session, length } = message;
    if (session.bytes === 0) this.#active.push(session);
    session.bytes += length;
    if (length > session.largest) session.largest = length;
    if (content !== 'keepalive') session.dataPackets++;
    // A message that is not as it should be does not lead us anywhere, authentic as it is.
    if (content === 'malformedInner' || content === 'sourceNotAllowed') return this.control.count(COUNTER[content]);
    message.content = content;
    if (session.comparedReceive === this.#receive) return;
    session.comparedReceive = this.#receive;
    const origin = message.relay && this.#originOf(message.relay, message.at);
    if (this.#isNews(session, header, origin)) this.#compareSource(session, header, origin);
  }

  /** In our turn at the windows: of the frames that the core gets, only those that are new. */
  #admitFrames(): void {
    const frames = this.#forCore;
    let kept = 0;
    for (const frame of frames) {
      if (frame.relay && !this.#frames.accept(frame.relay, frame.at)) this.control.count(COUNTER.relayFrameReplayed);
      else frames[kept++] = frame;
    }
    frames.length = kept;
  }

  #originOf({ ref }: OpenRelaySession, at: number): RelayOrigin {
    return { session: ref, channel: channelOf(this.#input.bytes, at - FRAME_HEADER_BYTES) };
  }

  /** Check and set. What the message has in it, unless it is dropped and counted. */
  #accept({ session, at, length, content, relay }: TransportMessage): Content | undefined {
    if (relay && !this.#acceptFrame(relay, at - FRAME_HEADER_BYTES)) return undefined;
    const low = this.#inputView.getUint32(at + 8, true);
    const high = this.#inputView.getUint32(at + 12, true);
    const isDoubtful = content === 'doubtful';
    if (isDoubtful && !session.window.mayAcceptParts(high, low)) {
      this.control.count(COUNTER.replayedCounter);
      return undefined;
    }
    const opened = isDoubtful ? this.#open(session, at, length) : content;
    if (opened === undefined) return undefined;
    if (!this.sessions.isLive(session.ref)) {
      this.control.count(COUNTER.sessionEnded);
      return undefined;
    }
    if (session.window.acceptParts(high, low)) return opened;
    this.control.count(COUNTER.replayedCounter);
    return undefined;
  }

  #acceptFrame(relay: OpenRelaySession, at: number): boolean {
    if (!this.#frames.accept(relay, at)) {
      this.control.count(COUNTER.relayFrameReplayed);
      return false;
    }
    this.control.count(COUNTER.relayedReceived);
    this.relaySessions.recordReceived(relay.ref, this.#now);
    return true;
  }

  /** Between the turns: joins a packet with its neighbours. */
  #join({ session, at, content }: TransportMessage, trafficClass: number): void {
    if (typeof content === 'string') return;
    const packet = at + TRANSPORT_HEADER_LENGTH;
    const before = ecnOf(this.#input.bytes, packet);
    const ecn = decapsulatedEcn(before, trafficClass & ECN_MASK);
    if (ecn === 'drop') return this.control.count(COUNTER.congestedNotEct);
    if (ecn !== before) setEcn(this.#inputView, packet, ecn);
    this.#joiner.add(packet, content.length, session);
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
        largest: 0,
        comparedReceive: -1,
        comparedFlow: -1,
        comparedChannel: 0,
        comparedPath: undefined,
        comparedObservation: 0,
        comparedArrival: 'elsewhere',
        confirmation: this.sessions.state(ref) === 'next' ? 'wanted' : 'done',
      };
      this.#sessions.set(index, session);
    }
    this.#last = session;
    this.#lastIndex = index;
    return session;
  }

  /** Whether anything has changed since this worker compared it, or another has noted something else. */
  #isNews(session: OpenSession, { flow }: ReceiveHeader, origin: RelayOrigin | undefined): boolean {
    const { peer } = session;
    return (
      session.comparedFlow !== flow ||
      session.comparedChannel !== (origin?.channel ?? 0) ||
      session.comparedPath !== this.peers.pathEntry(peer) ||
      session.comparedArrival !== this.peers.arrival(peer) ||
      session.comparedObservation !== this.peers.observationVersion(peer)
    );
  }

  #compareSource(session: OpenSession, header: ReceiveHeader, origin: RelayOrigin | undefined): void {
    const entry = this.peers.pathEntry(session.peer);
    session.comparedFlow = header.flow;
    session.comparedChannel = origin?.channel ?? 0;
    session.comparedPath = entry;
    const { paths } = this;
    const cameByPath =
      entry !== undefined &&
      originsEqual(paths.relay(entry), origin) &&
      header.isFrom(paths.addressBytes(entry), paths.port(entry), paths.zone(entry));
    session.comparedArrival = cameByPath ? 'by-path' : 'elsewhere';
    this.peers.setArrival(session.peer, session.comparedArrival);
    if (origin) {
      if (!cameByPath) {
        this.peers.observeRelayed(session.peer, origin);
        this.notify();
      }
    } else if (!cameByPath || !header.isTo(paths.localBytes(entry))) {
      this.peers.observe(session.peer, header.source(), header.local());
      this.notify();
    }
    session.comparedObservation = this.peers.observationVersion(session.peer);
  }

  /**
   * A session that is not ours, or not any more: its owner will learn that from a handshake, which is the core's. It is shown one
   * now and then; more would only help whoever makes them up.
   */
  #noteStray(at: number, relay: OpenRelaySession | undefined): void {
    if (durationBetween(this.#strayShownAt, this.#now) < STRAY_INTERVAL) {
      return this.control.count(COUNTER.unknownIndex);
    }
    this.#strayShownAt = this.#now;
    if (relay) return this.#handFrameToCore(relay, at - FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + MESSAGE_OVERHEAD);
    this.#forCore.push({ kind: 'stray', at, length: MESSAGE_OVERHEAD, tag: ADMISSION_TAG.unchecked });
  }

  /** In our turn: the rings have one writer at a time. */
  #handToCore({ kind, at, length, tag }: CoreMessage, header: ReceiveHeader): void {
    const ring = this.rings[RING_OF[kind]];
    if (SOURCE_TAG_LENGTH + length > ring.maxMessage) return this.control.count(COUNTER.notForUs);
    const message = this.#message.subarray(0, SOURCE_TAG_LENGTH + length);
    writeSourceTag(message, header.source(), header.local());
    message.set(this.#input.bytes.subarray(at, at + length), SOURCE_TAG_LENGTH);
    ring.write(message, tag);
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
      if (!this.passesFilter('in', group.owner.peer, this.#inputView, group.at, group.length, this.#now)) continue;
      joiner.finish(group);
      const queue = this.#queueOf(group.at);
      let result = this.#write(group, queue);
      if (result === EAGAIN && this.waitUntilWritable('tun', queue, FULL_TUN_WAIT)) result = this.#write(group, queue);
      this.control.count(result < 0 ? COUNTER.tunWriteFailed : COUNTER.tunWrites);
    }
  }

  /** The same for all packets of a flow, whichever worker writes them. */
  #queueOf(at: number): number {
    const { queues } = this.start.tun;
    return queues.length === 1 ? queues[0]! : queues[flowHash(this.#inputView, at) % queues.length]!;
  }

  #write(group: PacketGroup<OpenSession>, descriptor: number): number {
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
      // Before the core is told of traffic, which is when it looks at this.
      if (session.confirmation === 'wanted' && this.sessions.confirm(session.ref)) isConfirmed = true;
      session.confirmation = 'done';
      this.sessions.recordReceived(session.ref, this.#now, session.bytes);
      this.peers.recordReceived(session.peer, this.#now, session.largest);
      if (session.dataPackets > 0) this.peers.recordDataReceived(session.peer, this.#now);
      session.bytes = 0;
      session.dataPackets = 0;
      session.largest = 0;
    }
    if (this.#active.length > 0) this.reportTraffic();
    this.#active.length = 0;
    if (isConfirmed) this.notify();
  }
}

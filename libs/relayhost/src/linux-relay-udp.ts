// The relay's socket with segmentation offload (udp(7)). One receive is up to 64 frames of one client, in memory that the tags are
// computed in. What the core sends from there, with new headers, leaves in runs: frames that lie behind each other and go to the
// same client are one sendmsg with UDP_SEGMENT, without a copy.

import type { SipHasher } from '@shadownet/crypto';
import {
  type DescriptorWatch,
  errnoName,
  libc,
  MSG_DONTWAIT,
  openOffloadUdpDescriptor,
  type OffloadUdpDescriptor,
  packetCalls,
  processArena,
  ReceiveHeader,
  SendHeader,
  watchReadable,
} from '@shadownet/native';
import { ipAddressScope, parseIpAddress } from '@shadownet/primitives';
import { MAX_FRAME_BYTES, type RelayLink } from '@shadownet/relay';
import type { FrameHandler, RelayUdp, RelayUdpCounters, UdpOptions } from './relay-udp.js';
import { SourceLinks, type UdpLink } from './source-links.js';

/** Asked of the system, each way: 30 ms at 2 Gbit/s. */
const SOCKET_BUFFER_BYTES = 7 * 1024 * 1024;
export const RECEIVE_BYTES = 65_535;
/** Receives in a row before other events get their turn. */
const RECEIVES_PER_TURN = 32;
/** What one sendmsg carries at most (udp(7), UDP_MAX_SEGMENTS and the largest IPv4 datagram). */
const MAX_SEGMENTS = 64;
const MAX_RUN_BYTES = 65_507;

export class LinuxRelayUdp implements RelayUdp {
  readonly kind = 'linux';
  readonly port: number;
  readonly counters: RelayUdpCounters = { received: 0, sent: 0, sendErrors: {} };
  readonly #descriptor: number;
  readonly #calls = packetCalls();
  readonly #memory: Uint8Array;
  readonly #memoryAddress: number;
  readonly #receiveHeader: ReceiveHeader;
  readonly #sendHeader: SendHeader;
  /** For what does not lie in the receive memory. */
  readonly #single = processArena().allocate(MAX_FRAME_BYTES);
  readonly #links = new SourceLinks();
  #watch: DescriptorWatch | undefined;
  #segmentation: 'available' | 'failed' = 'available';
  #destination: RelayLink | undefined;

  // The run so far.
  #runTo: RelayLink | undefined;
  #runAt = 0;
  #runEnd = 0;
  #runSegment = 0;
  #runCount = 0;

  static open({ address: text, port }: UdpOptions, hasher: SipHasher): LinuxRelayUdp {
    const address = parseIpAddress(text);
    if (!address) throw new RangeError(`address ${text}`);
    const buffers = { receiveBufferBytes: SOCKET_BUFFER_BYTES, sendBufferBytes: SOCKET_BUFFER_BYTES };
    const common = { ...buffers, port, family: address.family };
    const isAny = ipAddressScope(address) === 'unspecified';
    return new LinuxRelayUdp(openOffloadUdpDescriptor(isAny ? common : { ...common, address }), hasher);
  }

  private constructor({ descriptor, family, port }: OffloadUdpDescriptor, { memory }: SipHasher) {
    if (memory.length < RECEIVE_BYTES) throw new RangeError(`${memory.length} bytes of memory to receive into`);
    this.port = port;
    this.#descriptor = descriptor;
    this.#memory = memory;
    this.#memoryAddress = processArena().adopt(memory.buffer).address + memory.byteOffset;
    this.#receiveHeader = new ReceiveHeader(family, this.#memoryAddress, RECEIVE_BYTES);
    this.#sendHeader = new SendHeader(family);
  }

  start(onFrame: FrameHandler, onTurnEnd: () => void): void {
    this.#watch = watchReadable(this.#descriptor, () => {
      this.#drain(onFrame);
      onTurnEnd();
    });
  }

  send(bytes: Uint8Array, at: number, length: number, to: RelayLink): void {
    if (bytes === this.#memory) {
      if (this.#extendsRun(at, length, to)) {
        this.#runEnd += length;
        this.#runCount++;
        return;
      }
      this.#flush();
      this.#runTo = to;
      this.#runAt = at;
      this.#runEnd = at + length;
      this.#runSegment = length;
      this.#runCount = 1;
      return;
    }
    // Frames keep their order.
    this.#flush();
    this.#single.bytes.set(bytes.subarray(at, at + length));
    this.#count(this.#transmit(this.#single.address, length, length, to), 1);
  }

  close(): Promise<void> {
    this.#watch?.close();
    libc().close(this.#descriptor);
    this.#receiveHeader.release();
    this.#sendHeader.release();
    processArena().release(this.#single);
    return Promise.resolve();
  }

  #drain(onFrame: FrameHandler): void {
    const header = this.#receiveHeader;
    for (let receives = 0; receives < RECEIVES_PER_TURN; receives++) {
      header.reset();
      const length = this.#calls.recvmsg(this.#descriptor, header.address, MSG_DONTWAIT);
      if (length < 0) return;
      header.parse();
      if (header.sourcePort === 0) continue;
      const link = this.#links.linkOf(header);
      const segment = header.segmentSize > 0 ? header.segmentSize : Math.max(1, length);
      for (let at = 0; at < length; at += segment) {
        this.counters.received++;
        onFrame(this.#memory, at, Math.min(segment, length - at), link);
      }
      this.#flush();
    }
  }

  /** All frames of a run are equally long; a shorter one is its last. */
  #extendsRun(at: number, length: number, to: RelayLink): boolean {
    return (
      to === this.#runTo &&
      at === this.#runEnd &&
      length <= this.#runSegment &&
      this.#runEnd - this.#runAt === this.#runCount * this.#runSegment &&
      this.#runCount < MAX_SEGMENTS &&
      this.#runEnd - this.#runAt + length <= MAX_RUN_BYTES
    );
  }

  #flush(): void {
    const to = this.#runTo;
    if (!to) return;
    this.#runTo = undefined;
    const length = this.#runEnd - this.#runAt;
    const segment = this.#runSegment;
    const address = this.#memoryAddress + this.#runAt;
    if (this.#runCount === 1 || this.#segmentation === 'available') {
      const result = this.#transmit(address, length, segment, to);
      if (this.#runCount === 1 || (result !== 'EIO' && result !== 'EINVAL' && result !== 'EMSGSIZE')) {
        return this.#count(result, this.#runCount);
      }
      // EIO: the device has no checksum offload. The others: this path takes no batches of this size, but single datagrams.
      if (result === 'EIO') this.#segmentation = 'failed';
    }
    for (let at = 0; at < length; at += segment) {
      const size = Math.min(segment, length - at);
      this.#count(this.#transmit(address + at, size, size, to), 1);
    }
  }

  /** Undefined, or the errno's name. */
  #transmit(address: number, length: number, segment: number, to: RelayLink): string | undefined {
    if (this.#destination !== to) {
      const { address: destination, port, zone } = to.endpoint;
      this.#sendHeader.setDestination(destination.bytes, port, zone);
      this.#sendHeader.setSource((to as UdpLink).local?.bytes);
      this.#destination = to;
    }
    this.#sendHeader.setPayload(address, length, segment, 0);
    const result = this.#calls.sendmsg(this.#descriptor, this.#sendHeader.address, MSG_DONTWAIT);
    return result >= 0 ? undefined : errnoName(result);
  }

  #count(error: string | undefined, frames: number): void {
    if (error === undefined) this.counters.sent += frames;
    else this.counters.sendErrors[error] = (this.counters.sendErrors[error] ?? 0) + frames;
  }
}

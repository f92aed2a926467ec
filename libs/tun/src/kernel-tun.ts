// What the TUN devices of Linux have in common: one descriptor of /dev/net/tun, packets behind a header of a fixed length, and an
// interface that its administrator may move, take down or delete. linux-tun and offload-tun differ in who reads the descriptor.

import {
  type Descriptor,
  errnoName,
  libc,
  NativeError,
  processArena,
  TunInterfaceProbe,
  type TunInterfaceState,
} from '@shadownet/native';

import type { InterfaceAddress, PacketHandler, TunCounters, TunDevice } from './tun-device.js';
import { TunError } from './tun-error.js';
import { bringTunUp, MAX_IP_PACKET_BYTES } from './tun-setup.js';

export interface LinuxTunDevice extends TunDevice {
  /**
   * Whether the interface is up now, wherever it was moved to since. 'unknown' for an interface in another network
   * namespace if the process lacks CAP_SYS_ADMIN or the kernel is too old. 'down' once it is gone. `mtu` is brought up to date as well.
   */
  interfaceState(): TunInterfaceState;
  /**
   * Gives the interface these addresses, of which an IPv4 one replaces the one that it has, and brings it up. For an interface that
   * has to be there before its addresses are known. Throws a TunError.
   */
  bringUp(addresses: readonly InterfaceAddress[]): void;
}

/** `gone`: deleted from outside, the descriptor still held. */
type State =
  | { readonly kind: 'open'; readonly probe: TunInterfaceProbe }
  | { readonly kind: 'gone' }
  | { readonly kind: 'closed' };

export abstract class KernelTun implements LinuxTunDevice {
  readonly counters: TunCounters = { packetsRead: 0, packetsWritten: 0, writeErrors: 0 };
  /** The header, all zeros, and a packet behind it. */
  readonly #writeBlock;
  #state: State;
  #mtu: number;
  #onPacket: PacketHandler = () => {};
  #onClosed: (reason: Error) => void = () => {};

  /** Owns the descriptor from the call on. */
  protected constructor(
    readonly descriptor: Descriptor,
    readonly name: string,
    mtu: number,
    private readonly headerLength: number,
  ) {
    this.#mtu = mtu;
    this.#writeBlock = processArena().allocate(headerLength + MAX_IP_PACKET_BYTES);
    this.#state = { kind: 'open', probe: new TunInterfaceProbe(descriptor) };
  }

  get mtu(): number {
    return this.#mtu;
  }

  onPacket(handler: PacketHandler): void {
    this.#onPacket = handler;
  }

  onClosed(handler: (reason: Error) => void): void {
    this.#onClosed = handler;
  }

  /** A packet that was read from the descriptor. */
  deliver(packet: Uint8Array): void {
    if (this.#state.kind !== 'open') return;
    this.counters.packetsRead++;
    this.#onPacket(packet);
  }

  write(packet: Uint8Array): void {
    if (this.#state.kind !== 'open' || packet.length > MAX_IP_PACKET_BYTES) {
      this.counters.writeErrors++;
      return;
    }
    this.#writeBlock.bytes.set(packet, this.headerLength);
    const written = libc().write(this.descriptor, this.#writeBlock, this.headerLength + packet.length);
    if (written >= 0) {
      this.counters.packetsWritten++;
      return;
    }
    // A full queue (EAGAIN) or a packet that the kernel does not like costs that packet only.
    this.counters.writeErrors++;
    if (isTunGone(written)) this.fail(errnoName(written));
  }

  interfaceState(): TunInterfaceState {
    if (this.#state.kind !== 'open') return 'down';
    try {
      const status = this.#state.probe.status();
      if (status.state !== 'unknown') this.#mtu = status.mtu;
      return status.state;
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      this.fail(error.errno ?? error.code);
      return 'down';
    }
  }

  bringUp(addresses: readonly InterfaceAddress[]): void {
    bringTunUp(this, addresses);
  }

  async close(): Promise<void> {
    this.release();
  }

  protected get isOpen(): boolean {
    return this.#state.kind === 'open';
  }

  /** The interface is gone, for the reason of this errno. The descriptor stays open until `release`. */
  protected fail(errno: string): void {
    if (this.#state.kind !== 'open') return;
    this.#state.probe.close();
    this.#state = { kind: 'gone' };
    this.#onClosed(new TunError('tun-closed', `the interface ${this.name} was deleted from outside (${errno})`));
  }

  /** Gives everything back. May be called again. */
  protected release(): void {
    if (this.#state.kind === 'closed') return;
    if (this.#state.kind === 'open') this.#state.probe.close();
    this.#state = { kind: 'closed' };
    libc().close(this.descriptor);
    processArena().release(this.#writeBlock);
  }
}

/** True for an errno after which the descriptor never works again: its interface is gone. EIO alone only means it is down. */
export function isTunGone(negativeErrno: number): boolean {
  const name = errnoName(negativeErrno);
  return name === 'EBADFD' || name === 'EBADF' || name === 'ENODEV';
}

// The TUN of Linux with segmentation offload: packets behind a virtio header, superpackets of up to 64 KB. Its descriptor is
// read and written by the workers of libs/dataplane; the main thread writes single packets, and gets those that the workers
// hand it. Used by libs/dataplane.

import {
  errnoName,
  libc,
  NativeError,
  openOffloadTunDescriptor,
  processArena,
  requirePacketMachine,
  TunInterfaceProbe,
  type TunInterfaceState,
  type TunOffloads,
} from '@shadownet/native';

import {
  bringTunUp,
  checkTunOptions,
  configureTun,
  explainTunOpenError,
  isTunGone,
  type LinuxTunDevice,
  type LinuxTunOptions,
} from './linux-tun.js';
import type { InterfaceAddress, PacketHandler, TunCounters } from './tun-device.js';
import { TunError } from './tun-error.js';

const VIRTIO_HEADER_LENGTH = 10;
const MAX_IP_PACKET_BYTES = 65_535;

/** A device whose packets others read: until they `deliver` some, its handler gets none. */
export interface OffloadTunDevice extends LinuxTunDevice {
  /** Non-blocking, and closed by `close` only: whoever uses it must have let go by then. */
  readonly descriptor: number;
  readonly offloads: TunOffloads;
  /** A packet that was read from the descriptor and goes to the handler after all. */
  deliver(packet: Uint8Array): void;
}

/** As openLinuxTun. Rejects with NativeError 'native-unavailable' where the machine's layouts are unknown. */
export async function openOffloadTun(options: LinuxTunOptions): Promise<OffloadTunDevice> {
  requirePacketMachine();
  checkTunOptions(options);
  const { descriptor, offloads } = openDescriptor(options.name);
  try {
    configureTun(options);
    return new OffloadTun(descriptor, offloads, options.name, options.mtu);
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
}

/** `gone`: deleted from outside; the descriptor is held until `close`, because workers may still be using it. */
type State =
  | { readonly kind: 'open'; readonly probe: TunInterfaceProbe }
  | { readonly kind: 'gone' }
  | { readonly kind: 'closed' };

class OffloadTun implements OffloadTunDevice {
  readonly counters: TunCounters = { packetsRead: 0, packetsWritten: 0, writeErrors: 0 };
  /** The virtio header, all zeros, and a packet behind it. */
  readonly #block = processArena().allocate(VIRTIO_HEADER_LENGTH + MAX_IP_PACKET_BYTES);
  #state: State;
  #mtu: number;
  #onPacket: PacketHandler = () => {};
  #onClosed: (reason: Error) => void = () => {};

  constructor(
    readonly descriptor: number,
    readonly offloads: TunOffloads,
    readonly name: string,
    mtu: number,
  ) {
    this.#mtu = mtu;
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
    this.#block.bytes.set(packet, VIRTIO_HEADER_LENGTH);
    const written = libc().write(this.descriptor, this.#block, VIRTIO_HEADER_LENGTH + packet.length);
    if (written >= 0) {
      this.counters.packetsWritten++;
      return;
    }
    this.counters.writeErrors++;
    if (isTunGone(written)) this.#fail(errnoName(written));
  }

  interfaceState(): TunInterfaceState {
    if (this.#state.kind !== 'open') return 'down';
    try {
      const status = this.#state.probe.status();
      if (status.state !== 'unknown') this.#mtu = status.mtu;
      return status.state;
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      this.#fail(error.errno ?? error.code);
      return 'down';
    }
  }

  bringUp(addresses: readonly InterfaceAddress[]): void {
    bringTunUp(this, addresses);
  }

  async close(): Promise<void> {
    this.#release();
  }

  #fail(errno: string): void {
    // The descriptor stays open: workers may be using it, and its number must not come to mean something else meanwhile.
    if (this.#state.kind === 'open') this.#state.probe.close();
    this.#state = { kind: 'gone' };
    this.#onClosed(new TunError('tun-closed', `the interface ${this.name} was deleted from outside (${errno})`));
  }

  #release(): void {
    if (this.#state.kind === 'closed') return;
    if (this.#state.kind === 'open') this.#state.probe.close();
    this.#state = { kind: 'closed' };
    libc().close(this.descriptor);
    processArena().release(this.#block);
  }
}

function openDescriptor(name: string): { readonly descriptor: number; readonly offloads: TunOffloads } {
  try {
    return openOffloadTunDescriptor(name);
  } catch (error) {
    throw explainTunOpenError(name, error);
  }
}

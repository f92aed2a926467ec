// The TUN of Linux with segmentation offload: packets behind a virtio header, superpackets of up to 64 KB. Its descriptor is
// read and written by the workers of libs/dataplane; the main thread writes single packets, and gets those that the workers
// hand it. Used by libs/dataplane.

import {
  type Descriptor,
  libc,
  openOffloadTunDescriptor,
  requirePacketMachine,
  type TunOffloads,
} from '@shadownet/native';

import { KernelTun, type LinuxTunDevice } from './kernel-tun.js';
import { checkTunOptions, configureTun, explainTunOpenError, type LinuxTunOptions } from './tun-setup.js';

const VIRTIO_HEADER_LENGTH = 10;

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

/** When its interface is deleted it holds the descriptor until `close`: workers may be using the number, which must not come to mean something else. */
class OffloadTun extends KernelTun implements OffloadTunDevice {
  constructor(
    descriptor: Descriptor,
    readonly offloads: TunOffloads,
    name: string,
    mtu: number,
  ) {
    super(descriptor, name, mtu, VIRTIO_HEADER_LENGTH);
  }
}

function openDescriptor(name: string): { readonly descriptor: Descriptor; readonly offloads: TunOffloads } {
  try {
    return openOffloadTunDescriptor(name);
  } catch (error) {
    throw explainTunOpenError(name, error);
  }
}

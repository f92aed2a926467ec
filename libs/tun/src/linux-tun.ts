// The portable TUN of Linux: /dev/net/tun, one packet at a time, on the event loop (ADR 0001). Used by the portable data plane.

import {
  type Descriptor,
  type DescriptorWatch,
  errnoName,
  libc,
  openTunDescriptor,
  processArena,
  type Readiness,
  watchReadable,
} from '@shadownet/native';

import { isTunGone, KernelTun, type LinuxTunDevice } from './kernel-tun.js';
import {
  checkTunOptions,
  configureTun,
  explainTunOpenError,
  type LinuxTunOptions,
  MAX_IP_PACKET_BYTES,
} from './tun-setup.js';

/** Packets read per turn of the event loop, so that the socket and the timers have theirs. */
const READ_BATCH = 128;

/**
 * Makes the interface, gives it its settings and brings it up unless told otherwise. It vanishes with `close` or with the process, however
 * that ends. Rejects with a TunError, or NativeError 'native-unavailable' off Linux or without koffi.
 */
export async function openLinuxTun(options: LinuxTunOptions): Promise<LinuxTunDevice> {
  checkTunOptions(options);
  const descriptor = openDescriptor(options.name);
  try {
    configureTun(options);
    return new LinuxTun(descriptor, options.name, options.mtu);
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
}

class LinuxTun extends KernelTun {
  readonly #readBlock = processArena().allocate(MAX_IP_PACKET_BYTES);
  #reading: DescriptorWatch | 'ended';

  constructor(descriptor: Descriptor, name: string, mtu: number) {
    super(descriptor, name, mtu, 0);
    this.#reading = watchReadable(descriptor, (readiness) => this.#drain(readiness));
  }

  #drain(readiness: Readiness): void {
    for (let count = 0; count < READ_BATCH && this.isOpen; count++) {
      const length = libc().read(this.descriptor, this.#readBlock);
      if (length < 0) {
        if (isTunGone(length) || readiness === 'failed') this.fail(errnoName(length));
        return;
      }
      this.deliver(this.#readBlock.bytes.subarray(0, length));
    }
  }

  /** Nobody else uses the descriptor, so it need not wait for `close`. */
  protected override fail(errno: string): void {
    if (!this.isOpen) return;
    this.#stopReading();
    super.fail(errno);
    this.release();
  }

  protected override release(): void {
    this.#stopReading();
    super.release();
  }

  #stopReading(): void {
    if (this.#reading === 'ended') return;
    this.#reading.close();
    this.#reading = 'ended';
    processArena().release(this.#readBlock);
  }
}

function openDescriptor(name: string): Descriptor {
  try {
    return openTunDescriptor(name);
  } catch (error) {
    throw explainTunOpenError(name, error);
  }
}

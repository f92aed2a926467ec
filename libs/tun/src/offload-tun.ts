// The TUN of Linux with segmentation offload: packets behind a virtio header, superpackets of up to 64 KB, in one queue or in
// several, each with a descriptor that the workers of libs/dataplane read and write. The main thread writes single packets, and
// gets those that the workers hand it. Used by libs/dataplane.

import {
  libc,
  NativeError,
  type OffloadTunDescriptors,
  openOffloadTunDescriptors,
  requirePacketMachine,
  type TunOffloads,
} from '@shadownet/native';

import { KernelTun, type LinuxTunDevice } from './kernel-tun.js';
import { checkTunOptions, configureTun, explainTunOpenError, type LinuxTunOptions } from './tun-setup.js';

const VIRTIO_HEADER_LENGTH = 10;

/** A device whose packets others read: until they `deliver` some, its handler gets none. */
export interface OffloadTunDevice extends LinuxTunDevice {
  /** One for each queue: non-blocking, and closed by `close` only: whoever uses them must have let go by then. */
  readonly descriptors: readonly number[];
  /** Why there is one queue instead of several. */
  readonly fewerQueuesReason: string | undefined;
  readonly offloads: TunOffloads;
  /** A packet that was read from the descriptor and goes to the handler after all. */
  deliver(packet: Uint8Array): void;
}

export interface OffloadTunOptions extends LinuxTunOptions {
  /** How many queues the kernel shall spread flows over, 1 unless told. Where it cannot, there is one. */
  readonly queues?: number;
}

/** As openLinuxTun. Rejects with NativeError 'native-unavailable' where the machine's layouts are unknown. */
export async function openOffloadTun(options: OffloadTunOptions): Promise<OffloadTunDevice> {
  requirePacketMachine();
  checkTunOptions(options);
  const opened = openQueues(options.name, options.queues ?? 1);
  try {
    configureTun(options);
    return new OffloadTun(opened, options);
  } catch (error) {
    for (const descriptor of opened.descriptors) libc().close(descriptor);
    throw error;
  }
}

interface OpenedQueues extends OffloadTunDescriptors {
  readonly fewerQueuesReason?: string;
}

/**
 * When its interface is deleted it holds the descriptors until `close`: workers may be using the numbers, which must not come to
 * mean something else.
 */
class OffloadTun extends KernelTun implements OffloadTunDevice {
  readonly descriptors: readonly number[];
  readonly offloads: TunOffloads;
  readonly fewerQueuesReason: string | undefined;
  #held: 'all' | 'first' = 'all';

  constructor({ descriptors, offloads, fewerQueuesReason }: OpenedQueues, { name, mtu }: LinuxTunOptions) {
    super(descriptors[0]!, name, mtu, VIRTIO_HEADER_LENGTH);
    this.descriptors = descriptors;
    this.offloads = offloads;
    this.fewerQueuesReason = fewerQueuesReason;
  }

  protected override release(): void {
    if (this.#held === 'all') for (const descriptor of this.descriptors.slice(1)) libc().close(descriptor);
    this.#held = 'first';
    super.release();
  }
}

/** A kernel without multi-queue, or a persistent interface that was made with one queue, leaves us with one. */
function openQueues(name: string, queues: number): OpenedQueues {
  if (queues === 1) return openOrExplain(name);
  try {
    return openOffloadTunDescriptors(name, queues);
  } catch (error) {
    if (!(error instanceof NativeError) || error.code !== 'syscall-failed') throw error;
    // If it is not for the number of queues, a single one will fail as well, and say why.
    const reason = `${name} cannot have ${queues} queues: ${error.message}`;
    return { ...openOrExplain(name), fewerQueuesReason: reason };
  }
}

function openOrExplain(name: string): OffloadTunDescriptors {
  try {
    return openOffloadTunDescriptors(name, 1);
  } catch (error) {
    throw explainTunOpenError(name, error);
  }
}

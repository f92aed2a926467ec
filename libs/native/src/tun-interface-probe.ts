// Whether the interface behind a TUN descriptor is up, and its MTU, also after it was renamed or moved to another network namespace,
// where neither /sys nor a netlink socket of the process shows it. Used by libs/tun.

import { processArena } from './arena.js';
import { AF_INET, type Descriptor, F_SETFD, FD_CLOEXEC, libc, SOCK_DGRAM } from './libc.js';
import { NativeError } from './native-error.js';
import { interfaceStatus, readInterfaceName } from './netdevice.js';
import { insideNetworkNamespace } from './network-namespace.js';

const IFREQ_BYTES = 40;
/** _IOR('T', 210, unsigned int). */
const TUNGETIFF = 0x800454d2;
/** _IO('T', 227): a descriptor of the namespace that the interface is in. Old kernels do not have it. */
const TUNGETDEVNETNS = 0x54e3;

/** 'unknown': the interface is somewhere else, and this kernel or this process's rights do not let us look there. */
export type TunInterfaceState = 'up' | 'down' | 'unknown';

export type TunInterfaceStatus =
  { readonly state: 'up' | 'down'; readonly mtu: number } | { readonly state: 'unknown' };

const UNKNOWN: TunInterfaceStatus = { state: 'unknown' };

export class TunInterfaceProbe {
  readonly #tun: Descriptor;
  #place: { readonly socket: Descriptor; readonly name: string; readonly index: number } | undefined;

  /** The interface's index in the process's own namespace, where that is the only place that we can look at. */
  #homeIndex: number | undefined;

  /** The probe does not own the TUN descriptor. */
  constructor(tun: Descriptor) {
    this.#tun = tun;
  }

  /** Three system calls while the interface stays where it is. Throws NativeError 'syscall-failed' when it was deleted. */
  status(): TunInterfaceStatus {
    const place = this.#place;
    if (place) {
      const status = ignoringAbsence(() => interfaceStatus(place.socket, place.name));
      if (status?.index === place.index) return status;
    }
    return this.#locate();
  }

  close(): void {
    if (this.#place) libc().close(this.#place.socket);
    this.#place = undefined;
  }

  #locate(): TunInterfaceStatus {
    this.close();
    const name = this.#currentName();
    const beside = ignoringAbsence(() => this.#openSocketBeside());
    const socket = beside ?? libc().socket(AF_INET, SOCK_DGRAM, 0);
    const status = ignoringAbsence(() => interfaceStatus(socket, name));
    // Seen from the process's own namespace, another interface may have got the name of one that went elsewhere.
    if (beside === undefined && status) this.#homeIndex ??= status.index;
    if (!status || (beside === undefined && status.index !== this.#homeIndex)) {
      libc().close(socket);
      return UNKNOWN;
    }
    this.#place = { socket, name, index: status.index };
    return status;
  }

  #currentName(): string {
    const request = processArena().allocate(IFREQ_BYTES);
    try {
      libc().ioctl(this.#tun, TUNGETIFF, request, 'TUNGETIFF');
      return readInterfaceName(request.bytes);
    } finally {
      processArena().release(request);
    }
  }

  /**
   * A socket in the interface's namespace: the ioctls on it look there, whichever namespace the process is in. Throws where
   * the kernel has no TUNGETDEVNETNS, or the process no CAP_SYS_ADMIN to enter a namespace, even its own.
   */
  #openSocketBeside(): Descriptor {
    const { close, fcntl, ioctlForDescriptor, socket } = libc();
    const namespace = ioctlForDescriptor(this.#tun, TUNGETDEVNETNS, 'TUNGETDEVNETNS');
    try {
      fcntl(namespace, F_SETFD, FD_CLOEXEC);
      return insideNetworkNamespace(namespace, () => socket(AF_INET, SOCK_DGRAM, 0));
    } finally {
      close(namespace);
    }
  }
}

/** `undefined` where the kernel says that there is nothing to see: the caller looks elsewhere. */
function ignoringAbsence<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof NativeError && error.code === 'syscall-failed') return undefined;
    throw error;
  }
}

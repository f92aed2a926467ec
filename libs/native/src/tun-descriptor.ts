// Opening a TUN descriptor (Documentation/networking/tuntap.rst). Used by libs/tun, which gives errors their meaning.

import { processArena } from './arena.js';
import { LITTLE_ENDIAN } from './byte-order.js';
import { type Descriptor, libc, O_NONBLOCK, O_RDWR } from './libc.js';
import { writeInterfaceName } from './netdevice.js';

const IFREQ_BYTES = 40;
const IFR_FLAGS = 16;
/** _IOW('T', 202, int). */
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
/** Packets come without the 4-byte struct tun_pi. */
const IFF_NO_PI = 0x1000;
/** Several descriptors for one interface, over which the kernel spreads flows. */
const IFF_MULTI_QUEUE = 0x0100;
/** Refused with EBUSY if there is such an interface already. */
const IFF_TUN_EXCL = 0x8000;
/** Packets come behind a struct virtio_net_hdr of 10 bytes. */
const IFF_VNET_HDR = 0x4000;
/** _IOW('T', 208, unsigned int). */
const TUNSETOFFLOAD = 0x400454d0;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
/** Since Linux 6.2. */
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;

/**
 * A non-blocking descriptor that reads and writes the bare IP packets of interface `name`, which is made if it does not
 * exist and vanishes with the descriptor. Throws NativeError 'syscall-failed' with the errno of open or of TUNSETIFF.
 */
export function openTunDescriptor(name: string): Descriptor {
  return attach(name, IFF_TUN | IFF_NO_PI);
}

/** What the kernel leaves to the reader, and takes from the writer, of an offloading TUN. */
export interface TunOffloads {
  /** UDP superpackets too; TCP ones always. */
  readonly udp: boolean;
}

/** The queues of one interface, which share its settings. It vanishes with the last of them. */
export interface OffloadTunDescriptors {
  readonly descriptors: readonly Descriptor[];
  readonly offloads: TunOffloads;
}

/**
 * The same with segmentation offload: each packet is preceded by a struct virtio_net_hdr, may be a superpacket of up to
 * 64 KB, and may lack its checksum (linux/virtio_net.h). One queue makes an ordinary interface; several make one with
 * IFF_MULTI_QUEUE, which must not exist yet: a descriptor more would be taken for another queue of whoever has it. Throws as
 * openTunDescriptor does, also if TUNSETOFFLOAD is refused.
 */
export function openOffloadTunDescriptors(name: string, queues: number): OffloadTunDescriptors {
  const flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0);
  const descriptors = [attach(name, queues > 1 ? flags | IFF_TUN_EXCL : flags)];
  try {
    while (descriptors.length < queues) descriptors.push(attach(name, flags));
    return { descriptors, offloads: setOffloads(descriptors[0]!, name) };
  } catch (error) {
    for (const descriptor of descriptors) libc().close(descriptor);
    throw error;
  }
}

function setOffloads(descriptor: Descriptor, name: string): TunOffloads {
  const tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  if (trySetOffload(descriptor, tcp | TUN_F_USO4 | TUN_F_USO6)) return { udp: true };
  libc().ioctlNumber(descriptor, TUNSETOFFLOAD, tcp, `TUNSETOFFLOAD ${name}`);
  return { udp: false };
}

function trySetOffload(descriptor: Descriptor, flags: number): boolean {
  try {
    libc().ioctlNumber(descriptor, TUNSETOFFLOAD, flags, 'TUNSETOFFLOAD');
    return true;
  } catch {
    return false;
  }
}

function attach(name: string, flags: number): Descriptor {
  const { open, close, ioctl } = libc();
  const descriptor = open('/dev/net/tun', O_RDWR | O_NONBLOCK);
  const request = processArena().allocate(IFREQ_BYTES);
  try {
    writeInterfaceName(request.bytes, name);
    new DataView(request.bytes.buffer, request.bytes.byteOffset).setUint16(IFR_FLAGS, flags, LITTLE_ENDIAN);
    ioctl(descriptor, TUNSETIFF, request, `TUNSETIFF ${name}`);
    return descriptor;
  } catch (error) {
    close(descriptor);
    throw error;
  } finally {
    processArena().release(request);
  }
}

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

/**
 * The same with segmentation offload: each packet is preceded by a struct virtio_net_hdr, may be a superpacket of up to
 * 64 KB, and may lack its checksum (linux/virtio_net.h). Throws as openTunDescriptor does, also if TUNSETOFFLOAD is refused.
 */
export function openOffloadTunDescriptor(name: string): { descriptor: Descriptor; offloads: TunOffloads } {
  const descriptor = attach(name, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
  const tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  try {
    if (trySetOffload(descriptor, tcp | TUN_F_USO4 | TUN_F_USO6)) return { descriptor, offloads: { udp: true } };
    libc().ioctlNumber(descriptor, TUNSETOFFLOAD, tcp, `TUNSETOFFLOAD ${name}`);
    return { descriptor, offloads: { udp: false } };
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
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
    new DataView(request.bytes.buffer, request.bytes.byteOffset).setInt16(IFR_FLAGS, flags, LITTLE_ENDIAN);
    ioctl(descriptor, TUNSETIFF, request, `TUNSETIFF ${name}`);
    return descriptor;
  } catch (error) {
    close(descriptor);
    throw error;
  } finally {
    processArena().release(request);
  }
}

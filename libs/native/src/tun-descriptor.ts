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

/**
 * A non-blocking descriptor that reads and writes the bare IP packets of interface `name`, which is made if it does not
 * exist and vanishes with the descriptor. Throws NativeError 'syscall-failed' with the errno of open or of TUNSETIFF.
 */
export function openTunDescriptor(name: string): Descriptor {
  const { open, close, ioctl } = libc();
  const descriptor = open('/dev/net/tun', O_RDWR | O_NONBLOCK);
  const request = processArena().allocate(IFREQ_BYTES);
  try {
    writeInterfaceName(request.bytes, name);
    new DataView(request.bytes.buffer, request.bytes.byteOffset).setInt16(
      IFR_FLAGS,
      IFF_TUN | IFF_NO_PI,
      LITTLE_ENDIAN,
    );
    ioctl(descriptor, TUNSETIFF, request, `TUNSETIFF ${name}`);
    return descriptor;
  } catch (error) {
    close(descriptor);
    throw error;
  } finally {
    processArena().release(request);
  }
}

// Hears of the kernel that links, addresses or routes have changed: an rtnetlink socket (rtnetlink(7)) in the multicast groups for
// those. What has changed is not read out of the messages: whoever is told looks for itself, since messages may be lost.
//
//   struct sockaddr_nl { uint16 nl_family; uint16 nl_pad; uint32 nl_pid; uint32 nl_groups; }

import { processArena } from './arena.js';
import { LITTLE_ENDIAN } from './byte-order.js';
import { type DescriptorWatch, watchReadable } from './descriptor-watch.js';
import { libc, O_NONBLOCK } from './libc.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const SOCKADDR_NL_BYTES = 12;

/** linux/rtnetlink.h: RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE. */
const GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/** One message is far shorter; of a longer one only that it came counts. */
const READ_BYTES = 8192;
/** So many are taken before the event loop has its turn again. */
const MAX_READS = 64;

/**
 * Calls `onChange` after one or several changes in the network namespace of the calling thread. Keeps the process alive until
 * closed. Throws NativeError 'syscall-failed' or 'native-unavailable'.
 */
export function watchNetworkChanges(onChange: () => void): DescriptorWatch {
  const descriptor = libc().socket(AF_NETLINK, SOCK_RAW | O_NONBLOCK, NETLINK_ROUTE);
  const buffer = processArena().allocate(READ_BYTES);
  let watch: DescriptorWatch | undefined;
  const close = (): void => {
    watch?.close();
    libc().close(descriptor);
    processArena().release(buffer);
  };
  try {
    join(descriptor);
    watch = watchReadable(descriptor, () => {
      // The error of an overflow (ENOBUFS) is news, too, and is taken by the read that reports it.
      for (let reads = 0; reads < MAX_READS && libc().isReadable(descriptor); reads++) libc().read(descriptor, buffer);
      onChange();
    });
  } catch (error) {
    close();
    throw error;
  }
  let open = true;
  return {
    close() {
      if (!open) return;
      open = false;
      close();
    },
  };
}

function join(descriptor: number): void {
  const address = processArena().allocate(SOCKADDR_NL_BYTES);
  try {
    const fields = new DataView(address.bytes.buffer, address.bytes.byteOffset, SOCKADDR_NL_BYTES);
    fields.setUint16(0, AF_NETLINK, LITTLE_ENDIAN);
    fields.setUint16(2, 0, LITTLE_ENDIAN);
    // The kernel chooses our port id.
    fields.setUint32(4, 0, LITTLE_ENDIAN);
    fields.setUint32(8, GROUPS, LITTLE_ENDIAN);
    libc().bind(descriptor, address);
  } finally {
    processArena().release(address);
  }
}

export { type LinuxUdpOptions, type LinuxUdpSocket, openLinuxUdp } from './linux-udp.js';
export { MemoryUdpNetwork } from './memory-udp.js';
export { type OffloadUdpSocket, openOffloadUdp } from './offload-udp.js';
export { openPortableUdp, type PortableUdpOptions } from './portable-udp.js';
export { UdpError, type UdpErrorCode } from './udp-error.js';
export {
  type DatagramHandler,
  MAX_DATAGRAM_BYTES,
  type SendOptions,
  type UdpCounters,
  type UdpSocket,
} from './udp-socket.js';

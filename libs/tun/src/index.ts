export { type LinuxTunDevice, type LinuxTunOptions, openLinuxTun } from './linux-tun.js';
export { MemoryTun, type MemoryTunOptions } from './memory-tun.js';
export type { InterfaceAddress, PacketHandler, TunCounters, TunDevice } from './tun-device.js';
export { TunError, type TunErrorCode } from './tun-error.js';
export { type OffloadTunDevice, openOffloadTun } from './offload-tun.js';

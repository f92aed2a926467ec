export type { LinuxTunDevice } from './kernel-tun.js';
export { openLinuxTun } from './linux-tun.js';
export { MemoryTun, type MemoryTunOptions } from './memory-tun.js';
export type { InterfaceAddress, PacketHandler, TunCounters, TunDevice } from './tun-device.js';
export { TunError, type TunErrorCode } from './tun-error.js';
export { type OffloadTunDevice, type OffloadTunOptions, openOffloadTun } from './offload-tun.js';
export type { LinuxTunOptions } from './tun-setup.js';

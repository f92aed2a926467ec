export type { PacketHandler, TunCounters, TunDevice } from './tun-device.js';

export { Arena, type PinnedBlock, processArena } from './arena.js';
export { type DescriptorWatch, type Readiness, watchReadable } from './descriptor-watch.js';
export { errnoName } from './errno.js';
export { type Descriptor, type Libc, libc } from './libc.js';
export { NativeError, type NativeErrorCode } from './native-error.js';
export {
  interfaceIndex,
  setInterfaceAddress,
  setInterfaceDown,
  setInterfaceMtu,
  setInterfaceQueueLength,
  setInterfaceUp,
} from './netdevice.js';
export { enterFreshNetworkNamespace } from './network-namespace.js';
export { openTunDescriptor } from './tun-descriptor.js';
export { TunInterfaceProbe, type TunInterfaceState } from './tun-interface-probe.js';
export { forbidAddressReuse, openUdpDescriptor, setSocketMark } from './udp-descriptor.js';

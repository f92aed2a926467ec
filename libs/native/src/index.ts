export { AEAD_TAG_BYTES, loadAead, OpeningContext, SealingContext } from './aead.js';
export { Arena, type PinnedBlock, processArena } from './arena.js';
export { type DescriptorWatch, type Readiness, watchReadable } from './descriptor-watch.js';
export { EventDescriptor } from './event-descriptor.js';
export { errnoName } from './errno.js';
export { type Descriptor, type Libc, libc } from './libc.js';
export { requirePacketMachine } from './machine.js';
export { GatherList, mayBeSourceRefusal, ReceiveHeader, SendHeader, type SocketFamily } from './message-header.js';
export { MonotonicClock } from './monotonic-clock.js';
export { NativeError, type NativeErrorCode } from './native-error.js';
export {
  interfaceIndex,
  setInterfaceAddress,
  setInterfaceDown,
  setInterfaceMtu,
  setInterfaceQueueLength,
  setInterfaceUp,
} from './netdevice.js';
export { watchNetworkChanges } from './network-changes.js';
export { enterFreshNetworkNamespace } from './network-namespace.js';
export {
  type OffloadUdpDescriptor,
  type OffloadUdpOptions,
  openOffloadUdpDescriptor,
} from './offload-udp-descriptor.js';
export { MSG_DONTWAIT, packetCalls, type PacketCalls } from './packet-calls.js';
export { PollSet } from './poll-set.js';
export {
  type OffloadTunDescriptors,
  openOffloadTunDescriptors,
  openTunDescriptor,
  type TunOffloads,
} from './tun-descriptor.js';
export { TunInterfaceProbe, type TunInterfaceState, type TunInterfaceStatus } from './tun-interface-probe.js';
export { forbidAddressReuse, openUdpDescriptor, setSocketMark } from './udp-descriptor.js';
export { loadX25519, X25519Key } from './x25519.js';

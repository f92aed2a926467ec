export { Device } from './device.js';
export type {
  DatagramKind,
  DatagramResult,
  DeviceEvent,
  DeviceOptions,
  DeviceOutput,
  DropReason,
  EndpointPolicy,
  PacketResult,
  PeerConfiguration,
  PeerStatus,
} from './device-types.js';
export { isWireGuardMessage } from './handshake/messages.js';
export { Tai64nSource, type Tai64nOptions } from './handshake/timestamp.js';
export { SessionTable, type SessionRef } from './transport/session-table.js';
export { WireGuardError, type WireGuardErrorCode } from './wireguard-error.js';

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
export { applyPeerChanges, checkPeerChanges, describePeers } from './uapi/device-binding.js';
export { RequestReader, type RequestLimits } from './uapi/request-reader.js';
export { encodeErrnoAnswer, encodeGetAnswer, type UapiDevice, type UapiPeer } from './uapi/uapi-answer.js';
export { UapiErrno } from './uapi/uapi-errno.js';
export {
  type AllowedIpChange,
  type DeviceChange,
  discardChange,
  type PeerChange,
  type UapiOperation,
  type UapiRequest,
} from './uapi/uapi-request.js';
export { WireGuardError, type WireGuardErrorCode } from './wireguard-error.js';

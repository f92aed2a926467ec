export { REJECT_AFTER_TIME, UNDER_LOAD_TIME } from './constants.js';
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
  PacketWorkerHost,
  PeerConfiguration,
  PeerStatus,
  WorkerTransfer,
} from './device-types.js';
export { decapsulatedEcn, ECN_MASK, ecnOf } from './ecn.js';
export { type HandshakeKeys, MacChecker } from './handshake/cookie.js';
export { type Admission, LoadGuard } from './handshake/load-guard.js';
export { isWireGuardMessage, TRANSPORT_HEADER_LENGTH } from './handshake/messages.js';
export { Tai64nSource, type Tai64nOptions, type TimestampSource } from './handshake/timestamp.js';
export { type InnerPacket, parseInnerPacket } from './inner-packet.js';
export type {
  PacketDirection,
  PacketFilter,
  PacketFilterFactory,
  PacketFilterTable,
  PacketVerdict,
} from './packet-filter.js';
export { AllowedIpsTable } from './packet-workers/allowed-ips-table.js';
export { HandshakeCells } from './packet-workers/handshake-cells.js';
export { PathTable } from './packet-workers/path-table.js';
export { PeerCells } from './packet-workers/peer-cells.js';
export { ReceiverIndexTable } from './packet-workers/receiver-index-table.js';
export { originsEqual, type RelayOrigin, type RelayRoute, type RelayRoutes } from './packet-workers/relay-route.js';
export type { WorkerBuffers } from './packet-workers/worker-state.js';
export { SessionTable, type SessionRef } from './transport/session-table.js';
export { applyPeerChanges, checkPeerChanges, describePeers } from './uapi/device-binding.js';
export { RequestReader, type RequestReaderOptions } from './uapi/request-reader.js';
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

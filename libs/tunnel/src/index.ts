export { applyMapDelta, compareMapVersions, diffNetworkMap, type NetworkMapDiff } from './network-map.js';
export type { LinkPathKind } from './peer-candidates.js';
export { Tunnel } from './tunnel.js';
export { TunnelError } from './tunnel-error.js';
export type {
  MapUpdate,
  PeerLinkStatus,
  PeerName,
  TunnelEvent,
  TunnelOptions,
  TunnelOutput,
  TunnelStatus,
} from './tunnel-types.js';

export { RelayHost, type RelayHostOptions, type StreamHandler } from './relay-host.js';
export { formatRelayMetrics } from './relay-metrics.js';
export { RelayHostError } from './relay-host-error.js';
export type { RelayUdpCounters, RelayUdpKind, UdpOptions } from './relay-udp.js';
export { RELAY_PATH, RelayWebSockets, REVOCATIONS_PATH } from './relay-web-sockets.js';
export { runRelayWorker } from './relay-worker.js';
export type { RelayHostCounters, RelayWorkerStart } from './worker-messages.js';

export type { DataPlane, DataPlaneCore, DataPlaneKind, DataPlaneOptions } from './data-plane.js';
export { openLinuxDataPlane } from './linux-data-plane.js';
export { type DataPlaneChoice, openDataPlane, type OpenedDataPlane } from './open-data-plane.js';
export { openPortableDataPlane, portableDataPlane } from './portable-data-plane.js';
export { type PacketWorkerOptions, runPacketWorker } from './run-packet-worker.js';
export { defaultWorkerPairs, MAX_WORKER_PAIRS } from './worker-pairs.js';

export type { PathOutput } from './path-output.js';
export { MAX_STUN_SERVERS, REFRESH_INTERVAL, ReflexiveDiscovery, type ReflexiveEvent } from './reflexive-discovery.js';

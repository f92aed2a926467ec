export { Firewall, type FirewallBehaviour, FirewallBehaviours } from './firewall.js';
export type { Gateway } from './gateway.js';
export { Nat, type NatBehaviour, NatBehaviours, type NatDependence, type PortAllocation } from './nat.js';
export { SeededRandom } from './seeded-random.js';
export {
  type LinkQuality,
  type NetworkOptions,
  PERFECT_LINK,
  Segment,
  type Sighting,
  type SimulatedCore,
  SimulatedNetwork,
  SimulatedSocket,
} from './simulated-network.js';
export { type Expectation, expectedBetween, type Means, MEANS } from './nat-expectations.js';
export { type Access, buildSite, NAT_KIND_NAMES, NAT_KINDS, type NatKind, type Site } from './nat-kinds.js';
export { type RelayHandler, SimulatedRelay } from './simulated-relay.js';
export { hostNetworkOf } from './nat-kind-report.js';
export { replayRecording } from './replay.js';
export { compareReplay, decisionsOf, type PathDecision, type ReplayOutcome } from './replay-outcome.js';

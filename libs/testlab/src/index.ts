export { Nat, type NatBehaviour, NatBehaviours, type NatDependence } from './nat.js';
export { SeededRandom } from './seeded-random.js';
export {
  type LinkQuality,
  PERFECT_LINK,
  Segment,
  type Sighting,
  type SimulatedCore,
  SimulatedNetwork,
  SimulatedSocket,
} from './simulated-network.js';

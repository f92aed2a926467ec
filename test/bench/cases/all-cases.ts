// The cases in the order in which each contender goes through them.
import { type BenchCase } from '../bench-case.js';
import { handshakesCase } from './handshakes.js';
import { latencyCase, latencyUnderLoadCase } from './latency.js';
import { idleMemoryCase, loadedMemoryCase } from './memory.js';
import { peersCase } from './peers.js';
import { startCase } from './start.js';
import { bothDirectionsCase, tcpCase } from './tcp.js';
import { udpCase } from './udp.js';

export const ALL_CASES: readonly BenchCase[] = [
  idleMemoryCase,
  startCase,
  tcpCase,
  bothDirectionsCase,
  udpCase,
  latencyCase,
  latencyUnderLoadCase,
  loadedMemoryCase,
  handshakesCase,
  peersCase,
];

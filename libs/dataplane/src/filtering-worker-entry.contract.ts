// For specs: what an app's packet-worker.ts is that has a packet filter.

import { portFilter } from './port-filter.contract.js';
import { runPacketWorker } from './run-packet-worker.js';

runPacketWorker({ packetFilter: portFilter });

// For specs: what an app's packet-worker.ts is.

import { runPacketWorker } from './run-packet-worker.js';

runPacketWorker();

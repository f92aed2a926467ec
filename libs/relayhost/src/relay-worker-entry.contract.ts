// For specs: what an app's relay-worker.ts is.

import { runRelayWorker } from './relay-worker.js';

await runRelayWorker();

// The entry of the data plane's worker threads, bundled into a file of its own.

import { runPacketWorker } from '@shadownet/dataplane';

runPacketWorker();

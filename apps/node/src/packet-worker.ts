// The entry of the data plane's worker threads, bundled into a file of its own.

import { runPacketWorker } from '@shadownet/dataplane';
import { statefulFilter } from '@shadownet/packetfilter';

runPacketWorker({ packetFilter: statefulFilter });

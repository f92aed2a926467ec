// The entry of the relay's thread, bundled into a file of its own.

import { runRelayWorker } from '@shadownet/relayhost';

await runRelayWorker();

// The entry of the relay's thread.

import { runRelayWorker } from '@shadownet/relayhost';

await runRelayWorker();

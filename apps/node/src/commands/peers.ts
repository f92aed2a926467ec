// `shadownet-node peers`: the peers of the network map, alone.

import type { LocalConfig } from '../config.js';
import { fetchStatus } from './status.js';
import { formatPeers } from './status-table.js';
import { printLine } from './terminal.js';

export async function peers(config: LocalConfig, { json }: { json: boolean }): Promise<void> {
  const { peers: list } = await fetchStatus(config);
  printLine(json ? JSON.stringify(list, undefined, 2) : formatPeers(list));
}

// `shadownet-node netcheck`: what kind of network this host is in.

import type { ServerInfo } from '@shadownet/contracts';
import type { NetcheckConfig } from '../config.js';
import { NodeError } from '../node-error.js';
import { prepareLifetimeTests } from '../netcheck/lifetime-tests.js';
import { examineNetwork } from '../netcheck/netcheck.js';
import { RelayDirectory } from '../relays/relay-directory.js';
import { describeFailure } from '../runtime/control-failure.js';
import { fetchServerInfo } from '../runtime/server-info.js';
import { announcedStunServers } from '../runtime/stun-servers.js';
import { formatNetcheck } from './netcheck-table.js';
import { printLine } from './terminal.js';

export async function netcheck(config: NetcheckConfig, { json }: { json: boolean }): Promise<void> {
  const { control, stunServers, longestSilence } = config;
  const info = control && (await askControl(control, stunServers ? 'optional' : 'needed'));
  const servers = stunServers ?? announcedStunServers(info!, control!);
  const relays = info && control ? await new RelayDirectory(control, [4, 6]).describe(info.relays) : [];
  const lifetime =
    control && longestSilence !== undefined
      ? await prepareLifetimeTests(control, config.stateDirectory, longestSilence)
      : undefined;
  const report = await examineNetwork({ servers, changesPort: stunServers === undefined, lifetime, relays });
  printLine(json ? JSON.stringify(report, undefined, 2) : formatNetcheck(report));
}

/** Throws NodeError `control-unreachable` if it is needed. */
async function askControl(control: URL, need: 'needed' | 'optional'): Promise<ServerInfo | undefined> {
  const info = await fetchServerInfo(control);
  if (info.ok) return info.value;
  if (need === 'optional') return undefined;
  throw new NodeError('control-unreachable', `no control server: ${describeFailure(info.failure)}`);
}

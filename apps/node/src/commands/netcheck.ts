// `shadownet-node netcheck`: what kind of network this host is in.

import type { HostAndPort, NetcheckConfig } from '../config.js';
import { NodeError } from '../node-error.js';
import { prepareLifetimeTests } from '../netcheck/lifetime-tests.js';
import { examineNetwork } from '../netcheck/netcheck.js';
import { describeFailure } from '../runtime/control-failure.js';
import { fetchServerInfo } from '../runtime/server-info.js';
import { announcedStunServers } from '../runtime/stun-servers.js';
import { formatNetcheck } from './netcheck-table.js';
import { printLine } from './terminal.js';

export async function netcheck(config: NetcheckConfig, { json }: { json: boolean }): Promise<void> {
  const { control, stunServers, longestSilence } = config;
  const servers = stunServers ?? (await fetchStunServers(control!));
  const lifetime =
    control && longestSilence !== undefined
      ? await prepareLifetimeTests(control, config.stateDirectory, longestSilence)
      : undefined;
  const report = await examineNetwork({ servers, changesPort: stunServers === undefined, lifetime });
  printLine(json ? JSON.stringify(report, undefined, 2) : formatNetcheck(report));
}

/** Throws NodeError `control-unreachable`. */
async function fetchStunServers(control: URL): Promise<HostAndPort[]> {
  const info = await fetchServerInfo(control);
  if (!info.ok) throw new NodeError('control-unreachable', `no control server: ${describeFailure(info.failure)}`);
  return announcedStunServers(info.value, control);
}

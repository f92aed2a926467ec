// `shadownet-node doctor`: looks at everything that a node needs of its host and its network, in the order in which things depend
// on each other. It changes nothing.

import { parseIpPrefix } from '@shadownet/primitives';
import type { DoctorConfig } from '../config.js';
import { controlSocketPath } from '../control-socket/control-protocol.js';
import { askNode } from '../control-socket/control-socket-client.js';
import { examineNetwork } from '../netcheck/netcheck.js';
import { NodeError } from '../node-error.js';
import { readRoutes } from '../router/route-table.js';
import type { NodeStatus } from '../runtime/node-status.js';
import { announcedStunServers } from '../runtime/stun-servers.js';
import { type Finding, notTested, ok, problem, warning } from './finding.js';
import { checkFirewall } from './firewall-check.js';
import { checkDataPlane, checkNodeVersion, checkState, checkTun } from './host-checks.js';
import { checkAddressConflict, checkOtherVpn, checkUnderlayMtu } from './route-checks.js';
import { examineServer } from './server-checks.js';

export async function examineHost(config: DoctorConfig): Promise<Finding[]> {
  const node = await askRunningNode(config);
  const control = config.control ?? (node.status && new URL(node.status.control.url));
  const server = control ? await examineServer(control, config.stateDirectory) : undefined;
  const announced = server?.info && control ? announcedStunServers(server.info, control) : undefined;
  const network = server?.info?.network_cidr ?? node.status?.network_cidr;
  const question = { routes: readRoutes(), interfaceName: config.interfaceName };
  return [
    checkNodeVersion(),
    checkTun(),
    await checkDataPlane(),
    checkState(config.stateDirectory),
    node.finding,
    checkUnderlayMtu(question),
    checkOtherVpn(question),
    checkAddressConflict(question, network === undefined ? undefined : parseIpPrefix(network)),
    await checkFirewall(config.interfaceName),
    ...(server?.findings ?? [notTested('control', 'which control server? Give --control URL')]),
    await checkUdp(announced),
    checkRelay(node.status),
  ];
}

async function askRunningNode(
  config: DoctorConfig,
): Promise<{ readonly finding: Finding; readonly status: NodeStatus | undefined }> {
  try {
    const status = (await askNode(controlSocketPath(config), { command: 'status' })) as NodeStatus;
    const shown = `${status.interface} is up as ${status.virtual_ip}`;
    if (status.control.connected) return { finding: ok('running-node', shown), status };
    const fix = 'see the findings about the control server; links that are up go on without it';
    return { finding: warning('running-node', `${shown}, without its control server`, fix), status };
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const finding =
      error.code === 'not-running'
        ? notTested('running-node', `no node is running on ${config.interfaceName}`)
        : problem('running-node', error.message, 'run the doctor as the user who runs the node');
    return { finding, status: undefined };
  }
}

async function checkUdp(servers: ReturnType<typeof announcedStunServers> | undefined): Promise<Finding> {
  if (!servers || servers.length === 0) return notTested('udp', 'no STUN server to ask');
  const report = await examineNetwork({ servers, changesPort: true, lifetime: undefined, relays: [] });
  const meanings = [report.ipv4, report.ipv6].flatMap((family) => (family.result === 'tested' ? [family.meaning] : []));
  if (report.udp === 'works') return ok('udp', meanings.join(' '));
  return warning(
    'udp',
    'no STUN server answered: UDP is blocked on the way, so all links are relayed over TCP',
    'allow outgoing UDP in the firewall of this network, or accept relayed links',
  );
}

function checkRelay(status: NodeStatus | undefined): Finding {
  if (!status) return notTested('relay', 'asked by a running node only');
  if (status.relays.length === 0) {
    return warning(
      'relay',
      'the control server announces no relay: pairs that no direct path joins stay apart',
      'start shadownet-control without --no-relay, or name relays with --relays',
    );
  }
  const up = status.relays.find(({ state }) => state === 'up');
  if (up) return ok('relay', `connected to ${up.id}${up.rtt_ms === null ? '' : `, ${up.rtt_ms.toFixed(1)} ms away`}`);
  const failures = status.relays.map(({ id, last_failure: failure }) => `${id}: ${failure ?? 'no answer yet'}`);
  return warning(
    'relay',
    `no relay can be reached (${failures.join('; ')})`,
    'open UDP 3480 or the HTTP port on the way to it',
  );
}

// Examines the network that this host is in (docs/nat-traversal.md): what STUN servers see of it over both IP versions, and what
// its NATs do. Needs no running node and no privilege; only the mapping lifetime needs the identity of a node.

import { networkInterfaces } from 'node:os';
import type { Netcheck, NetcheckFamily } from '@shadownet/contracts';
import { classifyNat, describeNat } from '@shadownet/paths';
import { type Endpoint, formatEndpoint, formatIpAddress, type IpAddress, ipAddressScope } from '@shadownet/primitives';
import type { RelayDescription } from '@shadownet/relay';
import type { LifetimeTests, NatSample, NatTestServer } from '@shadownet/stun';
import { findGateway } from '../router/default-gateway.js';
import { findOffers } from '../router/offers.js';
import { localAddresses } from '../runtime/local-addresses.js';
import { resolveStunServers } from '../runtime/stun-servers.js';
import { wallNow } from '../runtime/clock.js';
import type { HostAndPort } from '../config.js';
import { VERSION } from '../version.js';
import { natMessage } from './nat-message.js';
import { runNatTests } from './nat-test-run.js';
import { measureRelays, nearestRelay } from './relay-latencies.js';

export interface NetcheckOptions {
  readonly servers: readonly HostAndPort[];
  /** The servers belong to a control server: they answer from another port when asked to. */
  readonly changesPort: boolean;
  readonly lifetime: LifetimeTests | undefined;
  readonly relays: readonly RelayDescription[];
}

interface FamilyResult {
  readonly message: NetcheckFamily;
  readonly samples: readonly NatSample[];
  readonly servers: readonly Endpoint[];
}

export async function examineNetwork(options: NetcheckOptions): Promise<Netcheck> {
  const gateway = findGateway(networkInterfaces());
  const [v4, v6, offers, relays] = await Promise.all([
    examineFamily(4, options),
    examineFamily(6, options),
    gateway ? findOffers(gateway) : [],
    measureRelays(options.relays),
  ]);
  const worked = [v4, v6].some(({ samples }) => samples.some(({ kind }) => kind === 'mapping'));
  return {
    version: VERSION,
    time: new Date(wallNow()).toISOString(),
    udp: worked ? 'works' : 'blocked',
    ipv4: v4.message,
    ipv6: v6.message,
    port_mapping: offers.map(({ protocol, externalAddress }) => ({
      protocol,
      gateway: formatIpAddress(gateway!.address),
      external_address: externalAddress ? formatIpAddress(externalAddress) : null,
    })),
    stun_servers: [v4, v6].flatMap(({ servers, samples }) => servers.map((server) => serverResult(server, samples))),
    relays,
    nearest_relay: nearestRelay(relays),
  };
}

async function examineFamily(family: 4 | 6, options: NetcheckOptions): Promise<FamilyResult> {
  const local = localAddresses(networkInterfaces()).filter((address) => address.family === family);
  if (!local.some(isConnected)) {
    return { message: { result: 'not-tested', reason: 'no-address' }, samples: [], servers: [] };
  }
  const servers = await resolveStunServers(options.servers, [family]);
  if (servers.length === 0) {
    return { message: { result: 'not-tested', reason: 'no-server' }, samples: [], servers };
  }
  const { changesPort, lifetime } = options;
  const tested = servers.map((endpoint): NatTestServer => ({ endpoint, changesPort }));
  const samples = await runNatTests({ family, servers: tested, lifetime });
  const report = classifyNat(samples, local);
  return {
    message: { result: 'tested', nat: natMessage(report), meaning: describeNat(report) },
    samples,
    servers,
  };
}

/** With a loopback or link-local address alone there is no network to be examined. */
function isConnected(address: IpAddress): boolean {
  const scope = ipAddressScope(address);
  return scope === 'global' || scope === 'private' || scope === 'shared';
}

/** What the first socket was told, which asked every server. */
function serverResult(server: Endpoint, samples: readonly NatSample[]): Netcheck['stun_servers'][number] {
  const text = formatEndpoint(server);
  const answer = samples.find((sample) => sample.kind === 'mapping' && formatEndpoint(sample.server) === text);
  if (answer?.kind !== 'mapping') return { server: text, rtt_ms: null, mapped: null };
  return { server: text, rtt_ms: roundToMicroseconds(answer.rtt), mapped: formatEndpoint(answer.mapped) };
}

function roundToMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

// The RFC 5780 tests and the classifier against the NAT model: every NAT that can be described must be recognised.

import { createHmac } from 'node:crypto';
import { classifyNat, describeNat, type NatReport } from '@shadownet/paths';
import {
  type Duration,
  type Endpoint,
  formatEndpoint,
  type Instant,
  milliseconds,
  minutes,
  parseEndpoint,
  parseIpAddress,
  seconds,
} from '@shadownet/primitives';
import {
  BindingServer,
  NatBehaviourDiscovery,
  type NatSample,
  natTestSockets,
  type NatTestServer,
  type ServerSocket,
} from '@shadownet/stun';
import { describe, expect, it } from 'vitest';
import { Firewall, FirewallBehaviours } from './firewall.js';
import { Nat, type NatBehaviour, NatBehaviours, type NatDependence, type PortAllocation } from './nat.js';
import { SeededRandom } from './seeded-random.js';
import { type LinkQuality, PERFECT_LINK, type Segment, SimulatedNetwork } from './simulated-network.js';

const address = (text: string) => parseIpAddress(text)!;
const hmac = (key: Uint8Array, input: Uint8Array) => createHmac('sha256', key).update(input).digest();
const KEY = new Uint8Array(32).fill(1);
const ID = new Uint8Array(16).fill(2);
const HOST = address('192.168.1.2');
const OUTSIDE = address('203.0.113.21');
const IDLE = [10, 15, 30, 60].map(seconds);
const FIRST_PORT = 50_000;

/** One STUN server on all these sockets: two ports, at one address or two. */
function startServer(network: SimulatedNetwork, endpoints: readonly Endpoint[]): NatTestServer[] {
  const sockets = endpoints.map((local) => network.socket(network.internet, local.address, local.port));
  const described = endpoints.map((local, i): ServerSocket => {
    return { host: i < 2 ? 'primary' : 'alternate', port: local.port, endpoint: local };
  });
  const server = new BindingServer({
    maxPerSourcePerSecond: 50,
    sockets: described,
    answerAgain: { keyOf: () => KEY, hmac },
  });
  const out = { datagram: (bytes: Uint8Array, to: Endpoint, via: number) => sockets[via]!.send(bytes, to) };
  const core = {
    pollTimeout: () => server.pollTimeout(),
    handleTimeout: (now: Instant) => server.handleTimeout(now, out),
  };
  network.attach(core);
  for (const [i, socket] of sockets.entries()) {
    socket.onDatagram((datagram, from, now) => server.handleDatagram(datagram, from, i, now, out), core);
  }
  return endpoints.slice(0, 2).map((one) => ({ endpoint: one, changesPort: true }));
}

const at = (text: string): Endpoint => parseEndpoint(text)!;
const ONE_ADDRESS = [at('203.0.113.10:3478'), at('203.0.113.10:3479')];
const TWO_ADDRESSES = [...ONE_ADDRESS, at('203.0.113.11:3478'), at('203.0.113.11:3479')];

interface Setup {
  readonly servers?: readonly Endpoint[];
  readonly idle?: readonly Duration[];
  readonly link?: LinkQuality;
  readonly seed?: number;
}

/** What a host in `segment` finds out. */
function discover(
  network: SimulatedNetwork,
  segment: Segment,
  random: SeededRandom,
  { servers = TWO_ADDRESSES, idle = IDLE }: Setup,
  host = HOST,
): readonly NatSample[] {
  const testServers = startServer(network, servers);
  const count = natTestSockets(idle.length);
  const localPorts = Array.from({ length: count }, (_, i) => FIRST_PORT + 7 * i);
  const discovery = new NatBehaviourDiscovery({
    ...{ random: random.bytes, servers: testServers, localPorts },
    lifetime: { idle, id: ID, key: KEY, hmac },
  });
  const sockets = localPorts.map((port) => network.socket(segment, host, port));
  const out = { datagram: (bytes: Uint8Array, to: Endpoint, i: number) => sockets[i]!.send(bytes, to) };
  const core = {
    pollTimeout: () => discovery.pollTimeout(),
    handleTimeout: (now: Instant) => discovery.handleTimeout(now, out),
  };
  network.attach(core);
  for (const [i, socket] of sockets.entries()) {
    socket.onDatagram((datagram, from, now) => void discovery.handleDatagram(datagram, from, i, now, out), core);
  }
  discovery.start(network.now, out);
  network.reschedule(core);
  expect(network.runUntilTrue(() => discovery.finished, minutes(10))).toBeDefined();
  return discovery.samples;
}

function examine(behaviours: readonly NatBehaviour[], setup: Setup = {}): NatReport {
  const random = new SeededRandom(setup.seed ?? 1);
  const network = new SimulatedNetwork(random, { internet: setup.link ?? PERFECT_LINK });
  let segment = network.internet;
  for (const [i, behaviour] of behaviours.entries()) {
    const outer = i === 0 ? OUTSIDE : address(`100.64.${i}.2`);
    segment = network.lan(`lan ${i}`, new Nat(outer, behaviour, random), segment);
  }
  return classifyNat(discover(network, segment, random, setup), [HOST]);
}

const DEPENDENCES: readonly NatDependence[] = [
  'endpoint-independent',
  'address-dependent',
  'address-and-port-dependent',
];
const ALLOCATIONS: readonly PortAllocation[] = [
  { kind: 'preserving' },
  { kind: 'sequential', step: 1 },
  { kind: 'sequential', step: 7 },
  { kind: 'random' },
];
const ALL: NatBehaviour[] = DEPENDENCES.flatMap((mapping) =>
  DEPENDENCES.flatMap((filtering) =>
    ALLOCATIONS.flatMap((allocation) =>
      [true, false].flatMap((hairpinning) =>
        [20, 120].map((lifetime) => ({
          ...{ mapping, filtering, allocation, hairpinning },
          mappingLifetime: seconds(lifetime),
        })),
      ),
    ),
  ),
);
const nameOf = ({ mapping, filtering, allocation, hairpinning, mappingLifetime }: NatBehaviour): string =>
  `${mapping} mapping, ${filtering} filtering, ${allocation.kind} ports ` +
  `${allocation.kind === 'sequential' ? allocation.step : ''}, ${hairpinning ? '' : 'no '}hairpin, ${mappingLifetime} ms`;

/** What the model does with a second mapping of a preserving NAT: the next port above the one that is taken. */
function expectedAllocation({ mapping, allocation }: NatBehaviour): PortAllocation {
  if (allocation.kind !== 'preserving' || mapping === 'endpoint-independent') return allocation;
  return { kind: 'sequential', step: 1 };
}

describe('NAT behaviour discovery against a server with two addresses', () => {
  it.each(ALL.map((behaviour) => [nameOf(behaviour), behaviour] as const))('recognises %s', (_name, behaviour) => {
    const { mapping, filtering, allocation, hairpinning, mappingLifetime } = behaviour;
    const report = examine([behaviour]);
    if (report.kind !== 'nat') throw new Error(report.kind);
    expect(report.mapping).toEqual({ dependence: mapping, addressDependence: 'tested' });
    expect(report.filtering).toEqual({ dependence: filtering, addressDependence: 'tested' });
    expect(report.portPreservation).toBe(allocation.kind === 'preserving' ? 'yes' : 'no');
    // An address-dependent mapping has one further allocation only: the other address. That makes no pattern.
    if (mapping !== 'address-dependent') expect(report.allocation).toEqual(expectedAllocation(behaviour));
    // With a mapping per destination, others reach the one towards the server only where nothing filters.
    const reachable = mapping === 'endpoint-independent' || filtering === 'endpoint-independent';
    expect(report.hairpin).toBe(hairpinning && reachable ? 'works' : 'does-not-work');
    expect(report.lifetime).toEqual(
      mappingLifetime === seconds(20) ? { atLeast: seconds(15), below: seconds(30) } : { atLeast: seconds(60) },
    );
    expect(formatEndpoint(report.endpoint)).toMatch(/^203\.0\.113\.21:/);
    expect(report.pooling).toBe('paired');
  });

  it('says the same of two NATs in a row as of the stricter one', () => {
    const report = examine([NatBehaviours.symmetric, NatBehaviours.fullCone]);
    expect(report).toMatchObject({
      mapping: { dependence: 'address-and-port-dependent' },
      filtering: { dependence: 'address-and-port-dependent' },
    });
  });

  it('recognises most NATs right while one datagram in ten is lost', () => {
    const link = { delay: [milliseconds(5), milliseconds(40)], loss: 0.1 } as const;
    let right = 0;
    for (let seed = 0; seed < 40; seed++) {
      const report = examine([NatBehaviours.addressRestricted], { link, seed, idle: [] });
      const verdict = report.kind === 'nat' && [report.mapping, report.filtering];
      const { mapping, filtering } = NatBehaviours.addressRestricted;
      const tested = { addressDependence: 'tested' };
      if (
        JSON.stringify(verdict) ===
        JSON.stringify([mapping, filtering].map((dependence) => ({ dependence, ...tested })))
      )
        right += 1;
    }
    expect(right).toBeGreaterThanOrEqual(38);
  });
});

describe('NAT behaviour discovery against a server with one address', () => {
  it.each(DEPENDENCES.flatMap((mapping) => DEPENDENCES.map((filtering) => [mapping, filtering] as const)))(
    'tells of %s mapping and %s filtering what ports can tell, and that addresses were not tested',
    (mapping, filtering) => {
      const behaviour = { ...NatBehaviours.portRestricted, mapping, filtering };
      const report = examine([behaviour], { servers: ONE_ADDRESS, idle: [] });
      const seen = (dependence: NatDependence) =>
        dependence === 'address-and-port-dependent'
          ? { dependence, addressDependence: 'tested' }
          : { dependence: 'endpoint-independent', addressDependence: 'not-tested' };
      expect(report).toMatchObject({ mapping: seen(mapping), filtering: seen(filtering), lifetime: 'not-tested' });
    },
  );
});

describe('NAT behaviour discovery without a NAT', () => {
  const examinePublic = (build: (network: SimulatedNetwork) => Segment, servers = TWO_ADDRESSES): NatReport => {
    const random = new SeededRandom(3);
    const network = new SimulatedNetwork(random);
    return classifyNat(discover(network, build(network), random, { servers, idle: [] }, OUTSIDE), [OUTSIDE]);
  };

  it('says that there is none', () => {
    const report = examinePublic((network) => network.internet);
    expect(report).toMatchObject({ kind: 'no-nat', filtering: { dependence: 'endpoint-independent' } });
  });

  it('recognises a firewall that lets answers in only', () => {
    const report = examinePublic((network) =>
      network.lan('office', new Firewall([OUTSIDE], FirewallBehaviours.stateful)),
    );
    expect(report).toMatchObject({ kind: 'no-nat', filtering: { dependence: 'address-and-port-dependent' } });
    expect(describeNat(report)).toContain('firewall that lets only answers in');
  });

  it('says that UDP is blocked when nobody answers', () => {
    const random = new SeededRandom(3);
    const network = new SimulatedNetwork(random);
    const discovery = new NatBehaviourDiscovery({
      random: random.bytes,
      servers: [{ endpoint: at('203.0.113.99:3478'), changesPort: true }],
      localPorts: [1, 2, 3, 4],
    });
    const socket = network.socket(network.internet, OUTSIDE, 1);
    const out = { datagram: (bytes: Uint8Array, to: Endpoint) => socket.send(bytes, to) };
    discovery.start(network.now, out);
    network.attach({
      pollTimeout: () => discovery.pollTimeout(),
      handleTimeout: (now: Instant) => discovery.handleTimeout(now, out),
    });
    expect(network.runUntilTrue(() => discovery.finished, minutes(1))).toBe(2750);
    expect(classifyNat(discovery.samples, [OUTSIDE])).toEqual({ kind: 'udp-blocked' });
  });
});

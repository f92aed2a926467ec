// A fleet of nodes with five active pairs each for ten simulated minutes, while 1 % of them go every minute and come back in
// another network: what its specification and `npm run fleet` run. The same seed gives the same run.

import { addDuration, type Duration, milliseconds, minutes, seconds } from '@shadownet/primitives';
import { expectedBetween, type LinkQuality, type NatKind } from '@shadownet/testlab';
import { converse, PathMesh, type PathMeshLink, type PathMeshNode } from './path-mesh.js';

export interface FleetOptions {
  readonly nodes: number;
  readonly seed: number;
}

export interface FleetReport {
  readonly seed: number;
  /** Each counted once. */
  readonly pairs: number;
  /** Of those whose two nodes are there and were for SETTLING_TIME. */
  readonly direct: number;
  readonly relayed: number;
  /** Ends of pairs that use another path than the table of expectations says, in words. */
  readonly wrong: readonly string[];
  /** Nodes that went and came back. */
  readonly moves: number;
  /** Datagrams with data to peers that were there. */
  readonly sent: number;
  readonly received: number;
  /** Requests of all agents that are there at the end. */
  readonly probes: number;
}

const INTERNET: LinkQuality = { delay: [milliseconds(10), milliseconds(15)], loss: 0 };
const RELAYED: LinkQuality = { delay: [milliseconds(40), milliseconds(60)], loss: 0 };

const DURATION = minutes(10);
const MOVES_PER_NODE_AND_MINUTE = 0.01;
const ABSENCE: Duration = seconds(20);
const SETTLING_TIME = seconds(30);

/** As one meets them, in 50 networks. Ports are not guessed here: that is the grid's, and thousands of probes a pair. */
const KINDS: readonly NatKind[] = [
  ...Array<NatKind>(32).fill('port-restricted'),
  ...Array<NatKind>(5).fill('port-restricted-random'),
  ...Array<NatKind>(4).fill('double-nat'),
  ...Array<NatKind>(3).fill('address-restricted'),
  ...Array<NatKind>(2).fill('full-cone'),
  'public',
  'firewalled',
  'hard-random',
  'udp-blocked',
];

/** Each node talks to the ones so far ahead in the circle, and so to as many behind; every other one to one more. */
const DISTANCES = [1, 37];
const FURTHER = 51;

export function runFleet({ nodes: count, seed }: FleetOptions): FleetReport {
  const mesh = new PathMesh(seed, INTERNET, RELAYED);
  for (let i = 0; i < count; i++) mesh.addNode().arrive(KINDS[(i * 7) % KINDS.length]!);
  mesh.network.run(seconds(1));
  for (const [i, node] of mesh.nodes.entries()) {
    for (const distance of i % 2 === 0 ? [...DISTANCES, FURTHER] : DISTANCES) {
      const peer = mesh.nodes[(i + distance) % count]!;
      node.know(peer);
      peer.know(node);
      converse(mesh, node, peer);
    }
  }
  let moves = 0;
  const move = (): void => {
    const node = mesh.nodes[mesh.random.integer(0, count - 1)]!;
    if (node.presence) {
      moves += 1;
      node.leave();
      const kind = KINDS[mesh.random.integer(0, KINDS.length - 1)]!;
      mesh.network.at(addDuration(mesh.network.now, ABSENCE), () => node.arrive(kind));
    }
    mesh.network.at(addDuration(mesh.network.now, milliseconds(60_000 / (count * MOVES_PER_NODE_AND_MINUTE))), move);
  };
  move();
  mesh.network.run(DURATION);
  return { seed, moves, ...mesh.traffic, ...judged(mesh) };
}

function judged(mesh: PathMesh): Pick<FleetReport, 'pairs' | 'direct' | 'relayed' | 'wrong' | 'probes'> {
  const isSettled = ({ presence }: PathMeshNode): boolean =>
    presence !== undefined && mesh.network.now - presence.since > SETTLING_TIME;
  const links = mesh.nodes.flatMap((node) => node.links.map((link) => ({ node, link })));
  const settled = links.filter(({ node, link }) => isSettled(node) && isSettled(link.peer));
  const direct = settled.filter(({ link }) => link.path?.kind === 'udp').length;
  const relayed = settled.filter(({ link }) => link.path?.kind === 'relay').length;
  return {
    pairs: mesh.nodes.reduce((sum, { peers }) => sum + peers.length, 0) / 2,
    direct: direct / 2,
    relayed: relayed / 2,
    wrong: settled.flatMap(({ node, link }) => complaint(node, link) ?? []),
    probes: links.reduce((sum, { link }) => sum + link.agent.counters.probesSent, 0),
  };
}

/** Of a pair that is settled. */
function complaint(node: PathMeshNode, { peer, path }: PathMeshLink): string | undefined {
  const kinds = [node.presence!.kind, peer.presence!.kind] as const;
  const { means } = expectedBetween(...kinds);
  const expected = means === 'punch' || means === 'peer-reflexive' ? 'udp' : 'relay';
  if (path?.kind === expected) return undefined;
  return `${node.number} (${kinds[0]}) to ${peer.number} (${kinds[1]}): ${path?.kind ?? 'none'}`;
}

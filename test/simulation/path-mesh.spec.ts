// Many nodes with five active pairs each for ten simulated minutes, while 1 % of them restart every minute behind a NAT that
// has forgotten them. SHADOWNET_MESH_NODES=10000 makes it the size that the design is for; the seed is printed and replays.

import { addDuration, milliseconds, minutes, seconds } from '@shadownet/primitives';
import { expectedBetween, type LinkQuality, NAT_KINDS, type NatKind } from '@shadownet/testlab';
import { describe, expect, it } from 'vitest';
import { converse, PathMesh, type PathMeshNode } from './path-mesh.js';

const NODES = Number(process.env['SHADOWNET_MESH_NODES'] ?? 200);
const SEED = Number(process.env['SHADOWNET_MESH_SEED'] ?? 1);

const INTERNET: LinkQuality = { delay: [milliseconds(10), milliseconds(15)], loss: 0 };
const RELAYED: LinkQuality = { delay: [milliseconds(40), milliseconds(60)], loss: 0 };

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

describe(`${NODES} nodes with five active pairs each, of which 1 % restart every minute`, () => {
  it('reach each other for ten minutes, direct wherever that is possible', { timeout: 600_000 }, () => {
    const mesh = new PathMesh(SEED, INTERNET, RELAYED);
    const kindOf = new Map<PathMeshNode, NatKind>();
    for (let i = 0; i < NODES; i++) {
      const kind = KINDS[(i * 7) % KINDS.length]!;
      kindOf.set(mesh.addNode(NAT_KINDS[kind]), kind);
    }
    mesh.network.run(seconds(1));
    for (const [i, node] of mesh.nodes.entries()) {
      for (const distance of i % 2 === 0 ? [...DISTANCES, FURTHER] : DISTANCES) {
        const peer = mesh.nodes[(i + distance) % NODES]!;
        node.know(peer);
        peer.know(node);
        converse(mesh, node, peer);
      }
    }

    const restartedAt = new Map<PathMeshNode, number>();
    const churn = (): void => {
      const node = mesh.nodes[mesh.random.integer(0, NODES - 1)]!;
      node.restart();
      restartedAt.set(node, mesh.network.now);
      mesh.network.at(addDuration(mesh.network.now, milliseconds(6_000_000 / NODES)), churn);
    };
    churn();
    mesh.network.run(minutes(10));

    const isSettled = (node: PathMeshNode): boolean => mesh.network.now - (restartedAt.get(node) ?? 0) > 30_000;
    const isRelayable = (a: PathMeshNode, b: PathMeshNode): boolean => {
      const { means } = expectedBetween(kindOf.get(a)!, kindOf.get(b)!);
      return means === 'relay' || means === 'birthday' || means === 'predict';
    };
    const links = mesh.nodes.flatMap((node) => node.links.map((link) => ({ node, link })));
    const wrong = links
      .filter(({ node, link }) => isSettled(node) && isSettled(link.peer))
      .filter(({ node, link }) => (link.path?.kind === 'relay') !== isRelayable(node, link.peer))
      .map(({ node, link }) => `${kindOf.get(node)} × ${kindOf.get(link.peer)} by ${link.path?.kind}`);
    const { sent, received } = mesh.traffic;
    const probes = links.reduce((sum, { link }) => sum + link.agent.counters.probesSent, 0);
    process.stdout.write(
      `seed ${SEED}: ${links.length / 2} pairs, ${restartedAt.size} restarts, ` +
        `${received} of ${sent} datagrams, ${(probes / links.length).toFixed(0)} probes each way\n`,
    );
    expect(links).toHaveLength(NODES * 5);
    expect(wrong).toEqual([]);
    expect(received / sent).toBeGreaterThan(0.99);
  });
});

// How often and how soon guessed ports make a direct path: whole tunnels behind a hard and a port-restricted NAT, many times.

import { milliseconds, seconds } from '@shadownet/primitives';
import { buildSite, MEANS, NAT_KINDS } from '@shadownet/testlab';
import { expect, it } from 'vitest';
import { INTERNET, SimulatedMesh, type SimulatedMeshNode } from './simulated-mesh.js';

const SEEDS = 200;
const RELAYED = { delay: [milliseconds(40), milliseconds(60)], loss: 0 } as const;

/** From the first packet to a direct path on both sides. */
function timeToDirect(seed: number): number {
  const mesh = new SimulatedMesh(seed, INTERNET, { relay: RELAYED, recording: false });
  const [a, b] = (['port-restricted', 'hard-random'] as const).map((kind, i) => {
    const { interfaces } = buildSite(mesh.network, NAT_KINDS[kind], i + 1, mesh.random);
    return mesh.addNodeAt('ab'[i]!, interfaces);
  }) as [SimulatedMeshNode, SimulatedMeshNode];
  mesh.network.run(seconds(2));
  a.send(b, '1');
  const bothDirect = (): boolean => [a.linkTo(b), b.linkTo(a)].every(({ path }) => path?.kind === 'udp');
  return mesh.network.runUntilTrue(bothDirect, seconds(8)) ?? Infinity;
}

it(`ports are guessed within 6 s in 95 % of ${SEEDS} cases, and within 4 s in 90 %`, { timeout: 120_000 }, () => {
  const times = Array.from({ length: SEEDS }, (_, i) => timeToDirect(i + 1)).sort((x, y) => x - y);
  const share = (limit: number): number => times.filter((time) => time <= limit).length / SEEDS;
  const [p50, p95] = [0.5, 0.95].map((part) => `${(times[Math.ceil(part * SEEDS) - 1]! / 1000).toFixed(2)} s`);
  process.stdout.write(`guessed ports: ${100 * share(Number.MAX_VALUE)} % direct, p50 ${p50}, p95 ${p95}\n`);
  expect(share(Number(MEANS.birthday.within))).toBeGreaterThanOrEqual(0.95);
  expect(share(4000)).toBeGreaterThanOrEqual(0.9);
});

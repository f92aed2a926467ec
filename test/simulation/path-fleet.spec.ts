// The fleet at the size that fits into `npm test`. SHADOWNET_FLEET_NODES=10000 makes it the size that the design is for; the seed
// is printed, and SHADOWNET_FLEET_SEED replays it.

import { describe, expect, it } from 'vitest';
import { runFleet } from './path-fleet.js';

const NODES = Number(process.env['SHADOWNET_FLEET_NODES'] ?? 1000);
const SEED = Number(process.env['SHADOWNET_FLEET_SEED'] ?? 1);

describe(`${NODES} nodes with five active pairs each, of which 1 % a minute go and come back in another network`, () => {
  it('reach each other for ten minutes, direct wherever that is possible', { timeout: 600_000 }, () => {
    const { wrong, ...report } = runFleet({ nodes: NODES, seed: SEED });
    process.stdout.write(`fleet: ${JSON.stringify(report)}\n`);
    const { pairs, direct, relayed, moves, sent, received } = report;
    expect(wrong).toEqual([]);
    expect(pairs).toBe(NODES * 2.5);
    // A move takes a node, and with it its pairs, out of the judgement for 50 s.
    expect(direct + relayed).toBeGreaterThan(pairs * 0.97);
    expect(relayed).toBeGreaterThan(pairs * 0.05);
    expect(moves).toBeGreaterThan(NODES * 0.09);
    expect(received / sent).toBeGreaterThan(0.99);
  });
});

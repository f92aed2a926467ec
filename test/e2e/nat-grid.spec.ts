// Pairs of networks that no other spec has: real programs come to the path that the table of expectations names. `npm run natgrid`
// measures all of them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNoIpv6, whyNoLab } from '../lab/requirements.mjs';
import { expectedPath, findCell } from '../natgrid/grid-cell.js';
import { GridLab } from '../natgrid/grid-lab.js';

const CELLS = [
  ['full-cone×hard-random', 'direct'],
  ['address-restricted×hard-random', 'direct'],
  ['port-restricted×double-nat', 'direct'],
  ['ipv6-only×ipv6-only', 'direct'],
  ['public×ipv6-only', 'relay'],
  ['same-lan', 'lan'],
] as const;

describe.skipIf(whyNoLab() !== undefined)('two networks', () => {
  let lab: GridLab;
  beforeAll(async () => {
    lab = await GridLab.create();
  });
  afterAll(() => lab?.dispose());

  for (const [name, path] of CELLS) {
    const isPossible = !name.includes('ipv6') || whyNoIpv6() === undefined;
    it.skipIf(!isPossible)(`${name} connect: ${path} on both sides`, async () => {
      const cell = findCell(name)!;
      expect(expectedPath(cell)).toBe(path);
      const { paths, firstAnswerMs, directMs, lostPings } = await lab.measure(cell);
      const direct = directMs === undefined ? '' : `, direct after ${directMs.toFixed(0)} ms`;
      process.stdout.write(`${name}: first answer after ${firstAnswerMs.toFixed(0)} ms${direct}\n`);
      expect({ paths, lostPings }).toEqual({ paths: [path, path], lostPings: 0 });
      expect(firstAnswerMs).toBeLessThan(1000);
      expect(directMs === undefined).toBe(path === 'relay');
    });
  }
});

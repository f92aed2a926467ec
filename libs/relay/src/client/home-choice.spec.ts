import { milliseconds } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { chooseHome, type HomeCandidate } from './home-choice.js';

const relay = (id: string, rtt?: number, state: HomeCandidate['state'] = 'untried'): HomeCandidate => ({
  ...{ id, state },
  rtt: rtt === undefined ? undefined : milliseconds(rtt),
});

describe('the choice of a home relay', () => {
  it.each([
    ['the nearest', undefined, [relay('a', 30), relay('b', 20)], 'b'],
    ['the first where nothing is known', undefined, [relay('a'), relay('b')], 'a'],
    ['one that is known rather than one that is not', undefined, [relay('a'), relay('b', 200)], 'b'],
    ['one that failed only where there is no other', undefined, [relay('a', 1, 'failed'), relay('b', 90)], 'b'],
    ['one that failed where there is no other', undefined, [relay('a', 1, 'failed')], 'a'],
    ['the present one if the gain is small', 'a', [relay('a', 30, 'up'), relay('b', 24)], 'a'],
    ['the present one if the gain is a few milliseconds', 'a', [relay('a', 6, 'up'), relay('b', 2)], 'a'],
    ['another if the gain is clear', 'a', [relay('a', 30, 'up'), relay('b', 20)], 'b'],
    ['another if the present one failed', 'a', [relay('a', 5, 'failed'), relay('b', 50)], 'b'],
    ['another if the present one is gone', 'c', [relay('a', 50), relay('b', 5)], 'b'],
    ['none of none', 'a', [], undefined],
  ] as const)('is %s', (_, current, candidates, expected) => {
    expect(chooseHome(current, candidates)).toBe(expected);
  });
});

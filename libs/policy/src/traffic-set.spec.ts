import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  containsTraffic,
  formatSingleTraffic,
  formatTraffic,
  intersectTraffic,
  parseSingleTraffic,
  parseTraffic,
  type TrafficSet,
  uniteTraffic,
} from './traffic-set.js';

const port = fc.integer({ min: 1, max: 65_535 });
const word = fc.oneof(
  fc.constantFrom('icmp', 'tcp', 'udp', 'sctp', 'ip/2', 'ip/5', 'ip/7', 'ip/47', 'ip/255', 'tcp/1-65535'),
  fc
    .tuple(fc.constantFrom('tcp', 'udp'), port, port)
    .map(([name, a, b]) => `${name}/${Math.min(a, b)}-${Math.max(a, b)}`),
);
const randomSet: fc.Arbitrary<TrafficSet> = fc
  .array(word, { maxLength: 6 })
  .map((words) => uniteTraffic(words.map((text) => parseTraffic(text)!)));
const point = fc.record({
  protocol: fc.constantFrom(1, 2, 5, 6, 7, 17, 58, 132, 255),
  port: fc.integer({ min: 0, max: 65_535 }),
});

describe('a set of traffic', () => {
  it('reads back from its canonical texts', () => {
    fc.assert(
      fc.property(randomSet, (set) => {
        expect(uniteTraffic(formatTraffic(set).map((text) => parseTraffic(text)!))).toEqual(set);
      }),
    );
  });

  it('has in it what one of the united sets has, and in the common part what both have', () => {
    fc.assert(
      fc.property(randomSet, randomSet, point, (a, b, traffic) => {
        const [inA, inB] = [containsTraffic(a, traffic), containsTraffic(b, traffic)];
        expect(containsTraffic(uniteTraffic([a, b]), traffic)).toBe(inA || inB);
        expect(containsTraffic(intersectTraffic(a, b), traffic)).toBe(inA && inB);
      }),
    );
  });

  it.each([
    '',
    'tcp/',
    'tcp/0',
    'tcp/65536',
    'tcp/9-8',
    'tcp/1-2-3',
    'tcp/22/x',
    'TCP/22',
    'icmp/8',
    'ip/6',
    'ip/1',
    'ip/256',
    'ip',
    'gre',
  ])('is not written %j', (text) => expect(parseTraffic(text)).toBeUndefined());

  it.each(['tcp/22', 'udp/53', 'icmp', 'ip/47'])('%s is of one kind, and is written so', (text) => {
    expect(formatSingleTraffic(parseSingleTraffic(text)!)).toBe(text);
  });

  it.each(['tcp', '*', 'udp/1-2', 'nonsense'])('%s is not of one kind', (text) => {
    expect(parseSingleTraffic(text)).toBeUndefined();
  });
});

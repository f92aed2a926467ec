import { instant, milliseconds, parseEndpoint, publicKeyFromBytes, relayPath, udpPath } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { CandidateEntry, PathEntry } from './candidate-table.js';
import { bestConfirmed, isWorthLeavingTheRelay } from './path-choice.js';

const NOW = instant(0);
const relay = new PathEntry(relayPath('eu-1', publicKeyFromBytes(new Uint8Array(32).fill(9))!));

function candidate(port: number, rtt?: number): CandidateEntry {
  const endpoint = parseEndpoint(`203.0.113.1:${port}`)!;
  const entry = new CandidateEntry(udpPath(endpoint), { kind: 'server-reflexive', endpoint });
  if (rtt !== undefined) entry.confirm(milliseconds(rtt), NOW);
  return entry;
}

/** Sends full-sized data into nothing until the path is known to lose it. */
function losesFullSize(entry: CandidateEntry): CandidateEntry {
  entry.sizes.noteSent(1400, NOW);
  for (let now = 0; now < 2000; now += 100) entry.sizes.handleTimeout(instant(now));
  return entry;
}

describe('the choice of a path', () => {
  it('leaves the relay for a direct path, however slow, but not for one that loses full-sized data', () => {
    relay.confirm(milliseconds(10), NOW);
    expect(isWorthLeavingTheRelay(candidate(1, 900), relay, NOW)).toBe(true);
    expect(isWorthLeavingTheRelay(losesFullSize(candidate(2, 5)), relay, NOW)).toBe(false);
    expect(isWorthLeavingTheRelay(losesFullSize(candidate(2, 5)), undefined, NOW)).toBe(true);
  });

  it('takes the first that is confirmed, unless a later one is clearly better', () => {
    const [silent, first, alike, better] = [candidate(1), candidate(2, 50), candidate(3, 45), candidate(4, 30)];
    expect(bestConfirmed([silent, first, alike], NOW)).toBe(first);
    expect(bestConfirmed([silent, first, alike, better], NOW)).toBe(better);
    expect(bestConfirmed([silent], NOW)).toBeUndefined();
  });
});

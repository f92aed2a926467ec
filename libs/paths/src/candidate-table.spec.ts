import {
  type Endpoint,
  instant,
  type IpAddress,
  milliseconds,
  parseEndpoint,
  parseIpAddress,
  udpPath,
} from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { CandidateTable } from './candidate-table.js';

const at = (n: number): Endpoint => parseEndpoint(`203.0.113.${n}:51820`)!;
const local = (n: number): IpAddress => parseIpAddress(`192.0.2.${n}`)!;
const host = (n: number) => ({ kind: 'host', endpoint: at(n) }) as const;
const kinds = (table: CandidateTable) =>
  table.entries.map(({ candidate }) => `${candidate.endpoint.address.bytes[3]} ${candidate.kind}`);

describe('CandidateTable', () => {
  it('returns what is new, once', () => {
    const table = new CandidateTable();
    expect(table.announce([host(1), host(2), host(1)], undefined)).toHaveLength(2);
    expect(table.announce([host(2), host(3)], undefined).map(({ candidate }) => candidate)).toEqual([host(3)]);
    expect(kinds(table)).toEqual(['2 host', '3 host']);
  });

  it('keeps what it knows of an address that was learnt first and is announced later', () => {
    const table = new CandidateTable();
    const { entry } = table.learn(udpPath(at(1)), undefined);
    entry.confirm(milliseconds(9), instant(0));
    expect(table.announce([host(1)], undefined)).toEqual([]);
    expect(kinds(table)).toEqual(['1 host']);
    expect(table.get(udpPath(at(1)))?.confirmation?.rtt).toBe(9);
  });

  it('sends from the address that the peer has spoken to last, also to one that is announced, before or afterwards', () => {
    const table = new CandidateTable();
    const [announced] = table.announce([host(1)], undefined);
    const learnt = table.learn(udpPath(at(2), local(8)), undefined).entry;
    table.learn(udpPath(at(1), local(8)), undefined);
    table.learn(udpPath(at(1), local(9)), undefined);
    table.announce([host(1), host(2)], undefined);
    expect([announced!.path, learnt.path]).toEqual([udpPath(at(1), local(9)), udpPath(at(2), local(8))]);
    expect(kinds(table)).toEqual(['1 host', '2 host']);
    learnt.forgetLocalAddress();
    expect(table.get(udpPath(at(2)))?.path).toEqual(udpPath(at(2)));
  });

  it('keeps learnt addresses and the one in use when they are not announced', () => {
    const table = new CandidateTable();
    const [inUse] = table.announce([host(1), host(2)], undefined);
    table.learn(udpPath(at(3)), inUse);
    table.announce([], inUse);
    expect(kinds(table)).toEqual(['1 peer-reflexive', '3 peer-reflexive']);
  });

  it('gives up the learnt address without a sign of life for longest, but never the one in use', () => {
    const table = new CandidateTable();
    const inUse = table.learn(udpPath(at(1)), undefined).entry;
    for (let n = 2; n <= 8; n++) table.learn(udpPath(at(n)), inUse);
    table.learn(udpPath(at(2)), inUse);
    table.learn(udpPath(at(9)), inUse);
    expect(table.get(udpPath(at(1)))).toBe(inUse);
    expect(table.get(udpPath(at(2)))).toBeDefined();
    expect(table.get(udpPath(at(3)))).toBeUndefined();
    expect(table.entries).toHaveLength(8);
  });
});

// Whole tunnels in every pair of networks: what the table of libs/testlab says must come to pass, and no more. A failure names
// the kinds and the seed, which replay it.

import { addDuration, type Duration, milliseconds, parseIpAddress, seconds } from '@shadownet/primitives';
import {
  buildSite,
  expectedBetween,
  type LinkQuality,
  type Means,
  Nat,
  NAT_KIND_NAMES,
  NAT_KINDS,
  NatBehaviours,
  type NatKind,
} from '@shadownet/testlab';
import { beforeAll, describe, expect, it } from 'vitest';
import { INTERNET, SimulatedMesh, type SimulatedMeshNode } from './simulated-mesh.js';

/** A relay that is further away than the direct way. */
const RELAYED: LinkQuality = { delay: [milliseconds(40), milliseconds(60)], loss: 0 };

const CELLS = NAT_KIND_NAMES.flatMap((a, i) => NAT_KIND_NAMES.slice(i).map((b): [NatKind, NatKind] => [a, b]));
const SEEDS = [1, 2];

interface Meeting {
  readonly cell: string;
  readonly means: Means;
  /** From the first packet that one of them wants to send. */
  readonly firstPacket: Duration | undefined;
  /** Until both use a direct path. */
  readonly direct: Duration | undefined;
  readonly limit: Duration | undefined;
}

function meet(kindA: NatKind, kindB: NatKind, seed: number): Meeting {
  const mesh = new SimulatedMesh(seed, INTERNET, { relay: RELAYED, recording: false });
  const [a, b] = [kindA, kindB].map((kind, i) => {
    const site = buildSite(mesh.network, NAT_KINDS[kind], i + 1, mesh.random);
    site.requestMapping?.(51820);
    return mesh.addNodeAt(`${'ab'[i]}, ${kind}`, site.interfaces);
  }) as [SimulatedMeshNode, SimulatedMeshNode];
  mesh.network.run(seconds(2));

  const started = mesh.network.now;
  const keepTalking = (): void => {
    a.send(b, 'ping');
    mesh.network.at(addDuration(mesh.network.now, milliseconds(200)), keepTalking);
  };
  keepTalking();
  const firstPacket = mesh.network.runUntilTrue(() => b.packets.length > 0, seconds(5));
  const isDirect = (): boolean => isDirectFrom(a, b) && isDirectFrom(b, a);
  const { means, within } = expectedBetween(kindA, kindB);
  mesh.network.runUntilTrue(isDirect, seconds(13));
  const direct = isDirect() ? milliseconds(mesh.network.now - started) : undefined;
  return { cell: `${kindA} × ${kindB}, seed ${seed}`, means, firstPacket, direct, limit: within };
}

function isDirectFrom(from: SimulatedMeshNode, to: SimulatedMeshNode): boolean {
  const { pathKind, session } = from.linkTo(to);
  return (pathKind === 'direct' || pathKind === 'lan') && session === 'established';
}

describe('two hosts behind one NAT', () => {
  /** Both in its LAN, or each behind a home NAT of its own. */
  function neighbours(
    hairpinning: boolean,
    homes: 'one-lan' | 'own-nats',
  ): [SimulatedMesh, SimulatedMeshNode, SimulatedMeshNode] {
    const mesh = new SimulatedMesh(1, INTERNET, { relay: RELAYED, recording: false });
    const behaviour = { ...NatBehaviours.portRestricted, hairpinning };
    const nat = new Nat(parseIpAddress('203.0.113.21')!, behaviour, mesh.random);
    const shared = mesh.network.lan('shared', nat);
    const [a, b] = [1, 2].map((number) => {
      if (homes === 'one-lan') return mesh.addNode(`${number}`, shared, `192.168.1.${number + 1}`);
      const home = new Nat(parseIpAddress(`100.64.0.${number}`)!, NatBehaviours.portRestricted, mesh.random);
      return mesh.addNode(`${number}`, mesh.network.lan(`home ${number}`, home, shared), '192.168.1.2', {
        port: 51820 + number,
      });
    }) as [SimulatedMeshNode, SimulatedMeshNode];
    mesh.network.run(seconds(2));
    return [mesh, a, b];
  }

  it.each([
    ['in one LAN', true, 'one-lan', 'lan'],
    ['in one LAN, without hairpinning', false, 'one-lan', 'lan'],
    ['with homes of their own, with hairpinning', true, 'own-nats', 'direct'],
    ['with homes of their own, without hairpinning', false, 'own-nats', 'relay'],
  ] as const)('%s', (_, hairpinning, homes, expected) => {
    const [mesh, a, b] = neighbours(hairpinning, homes);
    a.send(b, 'ping');
    mesh.network.run(seconds(10));
    expect([a.linkTo(b).pathKind, b.linkTo(a).pathKind]).toEqual([expected, expected]);
    expect(b.received).toEqual(['ping']);
  });
});

describe('every pair of networks', () => {
  let meetings: readonly Meeting[];
  beforeAll(() => {
    meetings = CELLS.flatMap(([a, b]) => SEEDS.map((seed) => meet(a, b, seed)));
  }, 180_000);
  const by = (means: Means): Meeting[] => meetings.filter((meeting) => meeting.means === means);
  const isInTime = ({ direct, limit }: Meeting): boolean => direct !== undefined && direct <= limit!;

  it('gets its first packet through within a second', () => {
    expect(meetings.filter(({ firstPacket }) => firstPacket === undefined || firstPacket > 1000)).toEqual([]);
  });

  it.each(['punch', 'peer-reflexive', 'predict'] as const)('that is to meet by %s goes direct in time', (means) => {
    expect(by(means).length).toBeGreaterThan(0);
    expect(by(means).filter((meeting) => !isInTime(meeting))).toEqual([]);
  });

  it('that is to meet by birthday goes direct within 6 s in 95 % of all cases', () => {
    const meetings = by('birthday');
    const late = meetings.filter((meeting) => !isInTime(meeting));
    expect(late.length / meetings.length, JSON.stringify(late)).toBeLessThanOrEqual(0.05);
  });

  it('that is to stay relayed stays relayed', () => {
    expect(by('relay').filter(({ direct }) => direct !== undefined)).toEqual([]);
  });

  it('that can be direct is so after 1.5 s in half of all cases, after 4 s in 95 %', () => {
    const times = meetings.flatMap(({ direct }) => direct ?? []).sort((a, b) => a - b);
    const [p50, p95] = [0.5, 0.95].map((share) => times[Math.floor(times.length * share)]!);
    process.stdout.write(`time to direct: p50 ${p50!.toFixed(0)} ms, p95 ${p95!.toFixed(0)} ms\n`);
    expect(p50).toBeLessThanOrEqual(1500);
    expect(p95).toBeLessThanOrEqual(4000);
  });
});

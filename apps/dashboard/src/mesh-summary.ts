// The mesh in a few numbers and one sentence: what somebody wants to know who only glances at the page.

import type { LinkPath } from '@shadownet/contracts';
import type { MeshView } from './mesh-view';
import { type Rate, sumRates } from './traffic-rate';

export interface MeshSummary {
  readonly nodes: { readonly online: number; readonly offline: number };
  /** Pairs of online nodes by the best path that either end reports. */
  readonly paths: Readonly<Record<LinkPath, number>>;
  /** All that online nodes send and receive now. */
  readonly rate: Rate | undefined;
  readonly health: MeshHealth;
}

export interface MeshHealth {
  readonly level: 'good' | 'attention' | 'waiting';
  readonly title: string;
  readonly sentence: string;
}

/** A path is better the less of the world it crosses. */
const PATHS_BEST_FIRST: readonly LinkPath[] = ['lan', 'direct', 'relay', 'none'];

interface Pair {
  readonly hostnames: readonly [string, string];
  readonly path: LinkPath;
  /** Some end works on the path and has none yet. */
  readonly unreached: boolean;
}

export function summariseMesh({ nodes }: Pick<MeshView, 'nodes'>): MeshSummary {
  const online = nodes.filter((node) => node.online);
  const pairs = [...pairsOf(online).values()];
  const paths = { lan: 0, direct: 0, relay: 0, none: 0 };
  for (const pair of pairs) paths[pair.path] += 1;
  return {
    nodes: { online: online.length, offline: nodes.length - online.length },
    paths,
    rate: sumRates(online.map((node) => node.traffic.rate)),
    health: healthOf(nodes, pairs),
  };
}

function pairsOf(online: MeshView['nodes']): Map<string, Pair> {
  const onlineIds = new Set(online.map((node) => node.id));
  const pairs = new Map<string, Pair>();
  for (const node of online) {
    for (const link of node.links) {
      if (!onlineIds.has(link.peer.id)) continue;
      const key = [node.id, link.peer.id].sort().join(' ');
      const other = pairs.get(key);
      const path = PATHS_BEST_FIRST.find((best) => best === link.path || best === other?.path) ?? 'none';
      const isSought = link.state === 'searching' || link.state === 'waiting';
      pairs.set(key, {
        hostnames: other?.hostnames ?? [node.hostname, link.peer.hostname],
        path,
        unreached: path === 'none' && (isSought || (other?.unreached ?? false)),
      });
    }
  }
  return pairs;
}

function healthOf(nodes: MeshView['nodes'], pairs: readonly Pair[]): MeshHealth {
  const offline = nodes.filter((node) => !node.online);
  const unreached = pairs.filter((pair) => pair.unreached);
  const connected = pairs.filter((pair) => pair.path !== 'none');

  if (nodes.length === 0) {
    return { level: 'waiting', title: 'No nodes yet', sentence: 'The network is ready and waits for its first node.' };
  }
  if (offline.length > 0) {
    return {
      level: 'attention',
      title: `${offline.length} of ${count(nodes.length, 'node')} offline`,
      sentence: `No heartbeat from ${listNames(offline.map((node) => node.hostname))}.`,
    };
  }
  if (unreached.length > 0) {
    return {
      level: 'attention',
      title: unreached.length === 1 ? '1 pair of nodes has no path' : `${unreached.length} pairs of nodes have no path`,
      sentence: `Still searching: ${listNames(unreached.map((pair) => pair.hostnames.join(' ↔ ')))}.`,
    };
  }
  if (nodes.length === 1) {
    return { level: 'good', title: '1 node online', sentence: 'Add a second one and they find each other.' };
  }
  if (connected.length === 0) {
    return {
      level: 'good',
      title: allOnline(nodes.length),
      sentence: 'No two of them have a path to each other yet.',
    };
  }
  return { level: 'good', title: allOnline(nodes.length), sentence: reachSentence(connected) };
}

function reachSentence(connected: readonly Pair[]): string {
  const [first] = connected;
  const who = connected.length === 1 ? first!.hostnames.join(' and ') : `${connected.length} pairs of nodes`;
  const relayed = connected.filter((pair) => pair.path === 'relay').length;
  if (relayed === 0) return `${who} reach each other without a relay.`;
  if (relayed === connected.length) return `${who} reach each other by a relay.`;
  return `${who} reach each other, ${relayed} of them by a relay.`;
}

function allOnline(nodes: number): string {
  return nodes === 2 ? 'Both nodes online' : `All ${nodes} nodes online`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** The first three names, and how many more there are. */
function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

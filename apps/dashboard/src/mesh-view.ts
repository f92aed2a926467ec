// What the page draws, computed from one answer of GET /api/v1/overview and the view before it (for the rates).
// Plain objects throughout: react-query shares the parts that stayed equal, so that only changed rows draw anew.

import type { Overview, OverviewLink, OverviewNode } from '@shadownet/contracts';
import { extendHistory, nextSample, type Rate, sumRates, type TrafficSample } from './traffic-rate';

export interface LinkView {
  /** The node at the other end; its id stands in for the name of one that the server no longer lists. */
  readonly peer: { readonly id: string; readonly hostname: string; readonly virtualIp: string | null };
  readonly path: OverviewLink['path'];
  readonly state: OverviewLink['state'];
  readonly endpoint: string | null;
  readonly rttMs: number | null;
  readonly lastHandshake: string | null;
  readonly traffic: TrafficView;
}

export interface NodeView {
  readonly id: string;
  readonly hostname: string;
  readonly os: string;
  readonly version: string;
  readonly virtualIp: string;
  readonly publicKey: string;
  readonly endpoint: string | null;
  readonly candidates: OverviewNode['candidates'];
  readonly online: boolean;
  readonly registeredAt: string;
  readonly lastHeartbeat: string | null;
  /** The newest handshake on any of its links, whichever end reported it. */
  readonly lastHandshake: string | null;
  /** Its links as it reported them, in the order of the nodes. */
  readonly links: readonly LinkView[];
  readonly traffic: TrafficView;
}

export interface TrafficView {
  /** Lifetime totals as the node counts them. */
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rate?: Rate;
  /** Recent rates of both directions together, oldest first, for a sparkline. */
  readonly history: readonly number[];
}

export interface MeshView {
  readonly network: Overview['network'];
  readonly serverTime: string;
  /** By host name, then by address: the order stays while states change. */
  readonly nodes: readonly NodeView[];
  /** The newest counters per link, `from>to`: what the next view computes its rates from. */
  readonly samples: Readonly<Record<string, TrafficSample>>;
}

/** A rate says what happens now: once its reading is older than this (two and a half heartbeats of 30 s), it is dropped. */
const RATE_LIFETIME_MS = 75_000;

export function buildMeshView(overview: Overview, previous?: MeshView): MeshView {
  const order = overview.nodes.toSorted(compareNodes);
  const previousNodes = new Map(previous?.nodes.map((node) => [node.id, node]));
  const context: ViewContext = {
    now: Date.parse(overview.server_time),
    nodes: new Map(order.map((node) => [node.id, node])),
    links: linksByReporter(overview.links, order),
    handshakes: newestHandshakes(overview.links),
    previousSamples: previous?.samples ?? {},
    samples: {},
  };
  return {
    network: overview.network,
    serverTime: overview.server_time,
    nodes: order.map((node) => viewNode(node, previousNodes.get(node.id), context)),
    samples: context.samples,
  };
}

interface ViewContext {
  readonly now: number;
  readonly nodes: ReadonlyMap<string, OverviewNode>;
  readonly links: ReadonlyMap<string, readonly OverviewLink[]>;
  readonly handshakes: ReadonlyMap<string, string>;
  readonly previousSamples: MeshView['samples'];
  /** Filled while links are viewed. */
  readonly samples: Record<string, TrafficSample>;
}

function viewNode(node: OverviewNode, before: NodeView | undefined, context: ViewContext): NodeView {
  const linksBefore = new Map(before?.links.map((link) => [link.peer.id, link]));
  const viewed = (context.links.get(node.id) ?? []).map((link) =>
    viewLink(link, node, linksBefore.get(link.to), context),
  );
  const links = viewed.map(({ view }) => view);
  const totals = {
    rxBytes: links.reduce((sum, link) => sum + link.traffic.rxBytes, 0),
    txBytes: links.reduce((sum, link) => sum + link.traffic.txBytes, 0),
  };
  const rate = sumRates(links.map((link) => link.traffic.rate));
  const isNewReport = viewed.some(({ isNewReport }) => isNewReport);
  return {
    id: node.id,
    hostname: node.hostname,
    os: node.os,
    version: node.version,
    virtualIp: node.virtual_ip,
    publicKey: node.public_key,
    endpoint: node.endpoint,
    candidates: node.candidates,
    online: node.online,
    registeredAt: node.registered_at,
    lastHeartbeat: node.last_heartbeat,
    lastHandshake: context.handshakes.get(node.id) ?? null,
    links,
    traffic: viewTraffic(totals, rate, before?.traffic.history, isNewReport),
  };
}

function viewLink(
  link: OverviewLink,
  reporter: OverviewNode,
  before: LinkView | undefined,
  context: ViewContext,
): { view: LinkView; isNewReport: boolean } {
  const key = `${link.from}>${link.to}`;
  const totals = { rxBytes: link.rx_bytes, txBytes: link.tx_bytes };
  const previousSample = context.previousSamples[key];
  const sample = nextSample(previousSample, { at: countedAt(link, reporter), ...totals });
  context.samples[key] = sample;

  const peer = context.nodes.get(link.to);
  const isCurrent = reporter.online && context.now - sample.at <= RATE_LIFETIME_MS;
  const isNewReport = sample !== previousSample;
  const view: LinkView = {
    peer: { id: link.to, hostname: peer?.hostname ?? link.to.slice(0, 8), virtualIp: peer?.virtual_ip ?? null },
    path: link.path,
    state: link.state,
    endpoint: link.endpoint,
    rttMs: link.rtt_ms,
    lastHandshake: link.last_handshake,
    traffic: viewTraffic(totals, isCurrent ? sample.rate : undefined, before?.traffic.history, isNewReport),
  };
  return { view, isNewReport };
}

/**
 * When the counters of a link were last true. A heartbeat reports only links that changed, so a later heartbeat
 * without this link says that its counters still stand.
 */
function countedAt(link: OverviewLink, reporter: OverviewNode): number {
  const reportedAt = Date.parse(link.reported_at);
  return reporter.last_heartbeat === null ? reportedAt : Math.max(reportedAt, Date.parse(reporter.last_heartbeat));
}

function viewTraffic(
  totals: { rxBytes: number; txBytes: number },
  rate: Rate | undefined,
  historyBefore: readonly number[] | undefined,
  isNewReport: boolean,
): TrafficView {
  if (!rate) return { ...totals, history: [] };
  const history = historyBefore ?? [];
  return { ...totals, rate, history: isNewReport ? extendHistory(history, rate) : history };
}

/** The links of each node in the order of the nodes at their other ends; those to unknown nodes last. */
function linksByReporter(links: readonly OverviewLink[], order: readonly OverviewNode[]): Map<string, OverviewLink[]> {
  const rank = new Map(order.map((node, index) => [node.id, index]));
  const rankOf = (link: OverviewLink) => rank.get(link.to) ?? order.length;
  const byReporter = new Map<string, OverviewLink[]>();
  for (const link of links.toSorted((a, b) => rankOf(a) - rankOf(b))) {
    const known = byReporter.get(link.from);
    if (known) known.push(link);
    else byReporter.set(link.from, [link]);
  }
  return byReporter;
}

function newestHandshakes(links: readonly OverviewLink[]): Map<string, string> {
  const newest = new Map<string, string>();
  for (const { from, to, last_handshake: at } of links) {
    if (at === null) continue;
    for (const id of [from, to]) {
      const known = newest.get(id);
      if (known === undefined || Date.parse(at) > Date.parse(known)) newest.set(id, at);
    }
  }
  return newest;
}

function compareNodes(a: OverviewNode, b: OverviewNode): number {
  const byNumberedName = { numeric: true } as const;
  return (
    a.hostname.localeCompare(b.hostname, 'en', byNumberedName) ||
    a.virtual_ip.localeCompare(b.virtual_ip, 'en', byNumberedName)
  );
}

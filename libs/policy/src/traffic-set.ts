// Which traffic: a set of protocols and ports, as rules, filters and network maps name it ("tcp/22", "udp/60000-61000", "icmp", "*").
// Protocol and port are one number of 24 bits, so that a set is a list of intervals and every question about it a comparison.

/** Intervals [first, last] of `protocol << 16 | port`: sorted, disjoint and not adjacent, so that equal sets are equal lists. */
export type TrafficSet = readonly TrafficInterval[];
export type TrafficInterval = readonly [first: number, last: number];

/** One kind of traffic. A protocol without ports has port 0. */
export interface Traffic {
  /** IANA's number; ICMPv6 is asked for as ICMP. */
  readonly protocol: number;
  readonly port: number;
}

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

const PORTS = 0x1_0000;
const LAST_PORT = PORTS - 1;
const LAST_PROTOCOL = 255;

export const NO_TRAFFIC: TrafficSet = [];
export const ALL_TRAFFIC: TrafficSet = [[0, LAST_PROTOCOL * PORTS + LAST_PORT]];

const WITH_PORTS: ReadonlyMap<string, number> = new Map([
  ['tcp', PROTOCOL.tcp],
  ['udp', PROTOCOL.udp],
  ['sctp', PROTOCOL.sctp],
]);

/**
 * Reads `*`, `icmp` (of IPv4 and IPv6), `tcp`, `udp` or `sctp`, each of these three also with `/PORT` or `/FIRST-LAST`, or `ip/NUMBER` of
 * another protocol; `undefined` if it is none of them.
 */
export function parseTraffic(text: string): TrafficSet | undefined {
  if (text === '*') return ALL_TRAFFIC;
  if (text === 'icmp') return [wholeProtocol(PROTOCOL.icmp), wholeProtocol(PROTOCOL.icmpv6)];
  const [name, detail, ...rest] = text.split('/');
  if (rest.length > 0) return undefined;
  if (name === 'ip') return parseProtocolNumber(detail);
  const protocol = WITH_PORTS.get(name!);
  if (protocol === undefined) return undefined;
  if (detail === undefined) return [wholeProtocol(protocol)];
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(detail);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first < 1 || last > LAST_PORT || first > last) return undefined;
  return [[pointOf(protocol, first), pointOf(protocol, last)]];
}

/** Reads traffic that is of one kind: `tcp/22`, `icmp`, `ip/47`. */
export function parseSingleTraffic(text: string): Traffic | undefined {
  if (text === 'icmp') return { protocol: PROTOCOL.icmp, port: 0 };
  const [interval, ...others] = parseTraffic(text) ?? [];
  if (!interval || others.length > 0) return undefined;
  const [first, last] = interval;
  const isPortless = first % PORTS === 0 && last === first + LAST_PORT && !text.match(/^(tcp|udp|sctp)$/);
  return first === last || isPortless ? { protocol: Math.floor(first / PORTS), port: first % PORTS } : undefined;
}

/** The texts that parseTraffic reads as this set, in the set's order: the canonical form of an `allow` list. */
export function formatTraffic(set: TrafficSet): string[] {
  if (isAllTraffic(set)) return ['*'];
  const texts: string[] = [];
  const hasIcmp = [PROTOCOL.icmp, PROTOCOL.icmpv6].every((protocol) => containsTraffic(set, { protocol, port: 0 }));
  for (const [first, last] of set) {
    for (let protocol = Math.floor(first / PORTS); protocol * PORTS <= last; protocol++) {
      const from = Math.max(first, pointOf(protocol, 0));
      const to = Math.min(last, pointOf(protocol, LAST_PORT));
      if (hasIcmp && protocol === PROTOCOL.icmpv6) continue;
      texts.push(formatWithin(protocol, from % PORTS, to % PORTS));
    }
  }
  return texts;
}

export function formatSingleTraffic({ protocol, port }: Traffic): string {
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) return 'icmp';
  return formatWithin(protocol, port, port === 0 ? LAST_PORT : port);
}

export function uniteTraffic(sets: readonly TrafficSet[]): TrafficSet {
  const sorted = sets.flat().sort((a, b) => a[0] - b[0]);
  const united: [number, number][] = [];
  for (const [first, last] of sorted) {
    const previous = united.at(-1);
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else united.push([first, last]);
  }
  return united;
}

export function intersectTraffic(a: TrafficSet, b: TrafficSet): TrafficSet {
  const common = a.flatMap(([first, last]) =>
    b.map(([from, to]): TrafficInterval => [Math.max(first, from), Math.min(last, to)]),
  );
  return common.filter(([first, last]) => first <= last);
}

export function containsTraffic(set: TrafficSet, { protocol, port }: Traffic): boolean {
  const point = pointOf(protocol, port);
  return set.some(([first, last]) => first <= point && point <= last);
}

export function isAllTraffic(set: TrafficSet): boolean {
  return trafficSetsEqual(set, ALL_TRAFFIC);
}

export function trafficSetsEqual(a: TrafficSet, b: TrafficSet): boolean {
  return a.length === b.length && a.every(([first, last], i) => first === b[i]![0] && last === b[i]![1]);
}

/** The number by which sets are ordered: port behind protocol. */
export function pointOf(protocol: number, port: number): number {
  return protocol * PORTS + port;
}

function parseProtocolNumber(text: string | undefined): TrafficSet | undefined {
  if (!text || !/^\d{1,3}$/.test(text)) return undefined;
  const protocol = Number(text);
  // These have names, and one spelling of everything is enough.
  const isNamed = Object.values<number>(PROTOCOL).includes(protocol);
  return protocol > LAST_PROTOCOL || isNamed ? undefined : [wholeProtocol(protocol)];
}

function wholeProtocol(protocol: number): TrafficInterval {
  return [pointOf(protocol, 0), pointOf(protocol, LAST_PORT)];
}

function formatWithin(protocol: number, first: number, last: number): string {
  const name = protocol === PROTOCOL.icmp ? 'icmp' : nameOf(protocol);
  if (name === undefined) return `ip/${protocol}`;
  if (first === 0 && last === LAST_PORT) return name;
  return first === last ? `${name}/${first}` : `${name}/${first}-${last}`;
}

function nameOf(protocol: number): string | undefined {
  for (const [name, number] of WITH_PORTS) if (number === protocol) return name;
  return undefined;
}

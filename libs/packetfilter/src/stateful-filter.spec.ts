import { ALL_TRAFFIC, NO_TRAFFIC, parseTraffic, type TrafficSet, uniteTraffic } from '@shadownet/policy';
import { type Instant, instant, parseIpAddress } from '@shadownet/primitives';
import type { PacketDirection, PacketFilter, PacketVerdict } from '@shadownet/wireguard';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { icmp, packet, tcp, TCP_ACK, TCP_FIN_ACK, TCP_RST, TCP_SYN, TCP_SYN_ACK, udp } from './packets.contract.js';
import { buildRuleTable } from './rule-table.js';
import { allocateFlows, statefulFilter } from './stateful-filter.js';

const US = '10.100.0.1';
const THEM = '10.100.0.2';
const US6 = 'fd00::1';
const THEM6 = 'fd00::2';
const PEER = 3;
const [TCP, UDP, ICMP, ICMPV6, GRE] = [6, 17, 1, 58, 47];
const MINUTE = 60_000;

let flows: SharedArrayBuffer;
let filter: PacketFilter;
let now: number;

interface Rules {
  readonly inbound?: readonly string[];
  readonly outbound?: readonly string[];
  readonly incarnation?: number;
}

/** The peer may open `inbound` towards us, and we `outbound` towards it. */
function use({ inbound = [], outbound = ['*'], incarnation = 1 }: Rules): void {
  const peer = { number: PEER, incarnation, inbound: setOf(inbound), outbound: setOf(outbound) };
  const addresses = [US, US6].map((text) => parseIpAddress(text)!);
  filter = statefulFilter({ rules: buildRuleTable({ addresses, peers: [peer] }), flows });
}

beforeEach(() => {
  flows = allocateFlows();
  now = 1_000_000;
});

describe('what a peer opens', () => {
  it('passes by the rules only, over IPv4 and IPv6', () => {
    use({ inbound: ['tcp/22', 'udp/5000-5010', 'icmp'] });
    for (const [from, to] of [
      [THEM, US],
      [THEM6, US6],
    ] as const) {
      const open = (protocol: number, body: readonly number[]) => judge('in', packet({ from, to, protocol, body }));
      expect(open(TCP, tcp(40_000, 22, TCP_SYN))).toBe('accept');
      expect(open(TCP, tcp(40_000, 80, TCP_SYN))).toBe('filter-denied');
      expect(open(TCP, tcp(40_000, 80, TCP_ACK))).toBe('filter-denied');
      expect(open(UDP, udp(40_000, 5010))).toBe('accept');
      expect(open(UDP, udp(40_000, 5011))).toBe('filter-denied');
      expect(open(GRE, [])).toBe('filter-denied');
      const ping = from === THEM ? open(ICMP, icmp(8, 7)) : open(ICMPV6, icmp(128, 7));
      expect(ping).toBe('accept');
    }
  });

  it('does not pass to an address that is not ours, whatever the rules are', () => {
    use({ inbound: ['*'] });
    expect(judge('in', packet({ from: THEM, to: '192.168.0.1', protocol: TCP, body: tcp(1, 22, TCP_SYN) }))).toBe(
      'filter-denied',
    );
    expect(judge('in', packet({ from: THEM6, to: 'fd00::3', protocol: TCP, body: tcp(1, 22, TCP_SYN) }))).toBe(
      'filter-denied',
    );
  });

  it('does not pass from a peer that the rules do not know', () => {
    use({ inbound: ['*'] });
    const bytes = packet({ from: THEM, to: US, protocol: TCP, body: tcp(1, 22, TCP_SYN) });
    for (const peer of [0, PEER + 1, 99_999]) expect(judge('in', bytes, peer)).toBe('filter-denied');
  });

  it('is answered, as long as the rule is there', () => {
    use({ inbound: ['tcp/22', 'icmp'], outbound: [] });
    expect(out(TCP, tcp(22, 40_000, TCP_SYN_ACK))).toBe('accept');
    expect(out(TCP, tcp(80, 40_000, TCP_SYN_ACK))).toBe('filter-denied');
    expect(out(ICMP, icmp(0, 7))).toBe('accept');
    use({ inbound: [], outbound: [] });
    expect(into(TCP, tcp(40_000, 22, TCP_ACK))).toBe('filter-denied');
    expect(out(TCP, tcp(22, 40_000, TCP_ACK))).toBe('filter-denied');
  });
});

describe('what we open', () => {
  it('is answered by the peer, from that port to that port', () => {
    use({ outbound: ['tcp/80', 'udp/53'] });
    expect(out(TCP, tcp(40_000, 80, TCP_SYN))).toBe('accept');
    expect(out(UDP, udp(40_001, 53))).toBe('accept');
    expect(into(TCP, tcp(80, 40_000, TCP_SYN_ACK))).toBe('accept');
    expect(into(TCP, tcp(80, 40_001, TCP_SYN_ACK))).toBe('filter-denied');
    expect(into(TCP, tcp(81, 40_000, TCP_ACK))).toBe('filter-denied');
    expect(into(UDP, udp(53, 40_001))).toBe('accept');
    expect(into(UDP, udp(80, 40_000))).toBe('filter-denied');
  });

  it('does not go out if the peer would not let it in', () => {
    use({ outbound: ['tcp/80'] });
    expect(out(TCP, tcp(40_000, 81, TCP_SYN))).toBe('filter-denied');
    expect(out(UDP, udp(40_000, 80))).toBe('filter-denied');
  });

  it('gives the peer no way to open anything by the same ports', () => {
    use({ outbound: ['tcp', 'icmp'] });
    out(TCP, tcp(40_000, 80, TCP_SYN));
    expect(into(TCP, tcp(80, 40_000, TCP_SYN))).toBe('filter-denied');
    out(ICMP, icmp(8, 7));
    expect(into(ICMP, icmp(0, 7))).toBe('accept');
    expect(into(ICMP, icmp(0, 8))).toBe('filter-denied');
    expect(into(ICMP, icmp(8, 7))).toBe('filter-denied');
  });

  it('ends with the rule that allowed it', () => {
    use({ outbound: ['tcp/80', 'tcp/443'] });
    for (const port of [80, 443]) out(TCP, tcp(40_000, port, TCP_SYN));
    use({ outbound: ['tcp/443'] });
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('filter-denied');
    expect(out(TCP, tcp(40_000, 80, TCP_ACK))).toBe('filter-denied');
    expect(into(TCP, tcp(443, 40_000, TCP_ACK))).toBe('accept');
  });

  it('goes on if it is older than the filter', () => {
    use({ outbound: ['tcp/80'] });
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('filter-denied');
    expect(out(TCP, tcp(40_000, 80, TCP_ACK))).toBe('accept');
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('accept');
  });

  it('is not taken up by a segment that ends a connection', () => {
    use({ outbound: ['tcp/80'] });
    for (const flags of [TCP_RST, TCP_FIN_ACK]) expect(out(TCP, tcp(40_000, 80, flags))).toBe('accept');
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('filter-denied');
  });

  it('is forgotten with the peer, also if another gets its number', () => {
    use({ incarnation: 1 });
    out(UDP, udp(40_000, 53));
    expect(into(UDP, udp(53, 40_000))).toBe('accept');
    use({ incarnation: 2 });
    expect(into(UDP, udp(53, 40_000))).toBe('filter-denied');
  });

  it('of a protocol without ports is answered as a whole', () => {
    use({ outbound: ['ip/47'] });
    expect(into(GRE, [])).toBe('filter-denied');
    expect(out(GRE, [])).toBe('accept');
    expect(into(GRE, [])).toBe('accept');
  });
});

describe('a flow is remembered', () => {
  beforeEach(() => use({}));

  it.each([
    ['a datagram, for five minutes', UDP, udp(1, 2), udp(2, 1), 5 * MINUTE],
    ['a ping, for a minute', ICMP, icmp(8, 1), icmp(0, 1), MINUTE],
    ['an unanswered SYN, for four minutes', TCP, tcp(1, 2, TCP_SYN), tcp(2, 1, TCP_SYN_ACK), 4 * MINUTE],
  ])('%s', (_, protocol, request, reply, time) => {
    out(protocol, request);
    now += time;
    expect(into(protocol, reply)).toBe('accept');
    out(protocol, request);
    now += time + 2000;
    // That last reply answered the SYN, so that it takes a connection that was never answered.
    if (protocol === TCP) now += 124 * MINUTE;
    expect(into(protocol, reply)).toBe('filter-denied');
  });

  it('an established connection, for two hours and four minutes since the last packet of either side', () => {
    establish();
    now += 124 * MINUTE;
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('accept');
    now += 124 * MINUTE;
    expect(out(TCP, tcp(40_000, 80, TCP_ACK))).toBe('accept');
    now += 124 * MINUTE + 2000;
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('filter-denied');
  });

  it('a connection that ends, for four minutes', () => {
    establish();
    out(TCP, tcp(40_000, 80, TCP_FIN_ACK));
    now += 4 * MINUTE;
    expect(into(TCP, tcp(80, 40_000, TCP_FIN_ACK))).toBe('accept');
    now += 4 * MINUTE + 2000;
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('filter-denied');
  });

  it('a connection that was reset, for ten seconds', () => {
    establish();
    into(TCP, tcp(80, 40_000, TCP_RST));
    now += 12_000;
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('filter-denied');
  });

  it('a connection that is opened anew, like a new one', () => {
    establish();
    into(TCP, tcp(80, 40_000, TCP_RST));
    establish();
    now += 60 * MINUTE;
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('accept');
  });

  it('among many more than there is room for, the later ones and those that were answered', () => {
    establish();
    for (let port = 1; port <= 60_000; port++) out(UDP, udp(port, 53));
    let remembered = 0;
    for (let port = 1; port <= 60_000; port++) if (into(UDP, udp(53, port)) === 'accept') remembered++;
    expect(remembered).toBeGreaterThan(20_000);
    expect(remembered).toBeLessThan(32_768);
    expect(into(UDP, udp(53, 60_000))).toBe('accept');
    expect(into(TCP, tcp(80, 40_000, TCP_ACK))).toBe('accept');
  });

  function establish(): void {
    out(TCP, tcp(40_000, 80, TCP_SYN));
    into(TCP, tcp(80, 40_000, TCP_SYN_ACK));
    out(TCP, tcp(40_000, 80, TCP_ACK));
  }
});

describe('an ICMP error', () => {
  const ours = (body: readonly number[], protocol = UDP) => packet({ from: US, to: THEM, protocol, body });

  it('passes if it is about a flow of ours', () => {
    use({ outbound: ['udp/53'] });
    const request = udp(40_000, 53);
    expect(into(ICMP, icmp(3, 0, ours(request)))).toBe('filter-denied');
    out(UDP, request);
    for (const type of [3, 11, 12]) expect(into(ICMP, icmp(type, 0, ours(request)))).toBe('accept');
    expect(into(ICMP, icmp(3, 0, ours(udp(40_001, 53))))).toBe('filter-denied');
    expect(into(ICMP, icmp(3, 0, ours(request).subarray(0, 28)))).toBe('accept');
    expect(into(ICMP, icmp(3, 0, ours(request).subarray(0, 27)))).toBe('filter-unreadable');
  });

  it('passes if it is about our answer to what the peer may open', () => {
    use({ inbound: ['tcp/22'], outbound: [] });
    expect(into(ICMP, icmp(3, 0, ours(tcp(22, 40_000, TCP_ACK), TCP)))).toBe('accept');
    expect(into(ICMP, icmp(3, 0, ours(tcp(23, 40_000, TCP_ACK), TCP)))).toBe('filter-denied');
  });

  it('passes over IPv6, too: Packet Too Big is how a path tells its MTU', () => {
    use({ outbound: ['tcp/80'] });
    const segment = packet({ from: US6, to: THEM6, protocol: TCP, body: tcp(40_000, 80, TCP_ACK) });
    expect(judge('out', segment)).toBe('accept');
    const tooBig = packet({ from: THEM6, to: US6, protocol: ICMPV6, body: icmp(2, 0, segment) });
    expect(judge('in', tooBig)).toBe('accept');
  });

  it('does not pass if it quotes a packet that is not ours, another error, or the middle of a datagram', () => {
    use({ inbound: ['icmp', 'udp'] });
    const of = (bytes: Uint8Array) => into(ICMP, icmp(3, 0, bytes));
    expect(of(packet({ from: '10.9.9.9', to: THEM, protocol: UDP, body: udp(1, 2) }))).toBe('filter-denied');
    expect(of(packet({ from: US, to: THEM, protocol: ICMP, body: icmp(3) }))).toBe('filter-unreadable');
    const fragment = { id: 1, offset: 64, more: false };
    expect(of(packet({ from: US, to: THEM, protocol: UDP, body: udp(1, 2), fragment }))).toBe('filter-unreadable');
  });

  it('that redirects never passes', () => {
    use({ inbound: ['*'] });
    expect(into(ICMP, icmp(5, 0, ours(udp(1, 2))))).toBe('filter-denied');
    expect(judge('in', packet({ from: THEM6, to: US6, protocol: ICMPV6, body: icmp(137) }))).toBe('filter-denied');
  });

  it('of ours goes out about what the peer may open, and about answers to us', () => {
    use({ inbound: ['udp/53'], outbound: ['udp/54'] });
    const theirs = (from: number, to: number) =>
      icmp(3, 0, packet({ from: THEM, to: US, protocol: UDP, body: udp(from, to) }));
    expect(out(ICMP, theirs(40_000, 53))).toBe('accept');
    expect(out(ICMP, theirs(54, 40_000))).toBe('accept');
    expect(out(ICMP, theirs(40_000, 55))).toBe('filter-denied');
  });
});

describe('a datagram in fragments', () => {
  it.each([
    ['IPv4', THEM, US],
    ['IPv6', THEM6, US6],
  ])('is judged by its first one (%s)', (_, from, to) => {
    use({ inbound: ['udp/53'] });
    const fragment = (id: number, offset: number, port: number) =>
      judge(
        'in',
        packet({ from, to, protocol: UDP, body: udp(1, port, 40), fragment: { id, offset, more: offset === 0 } }),
      );
    expect(fragment(1, 48, 53)).toBe('filter-denied');
    expect(fragment(1, 0, 53)).toBe('accept');
    expect(fragment(1, 48, 53)).toBe('accept');
    expect(fragment(2, 0, 54)).toBe('filter-denied');
    expect(fragment(2, 48, 54)).toBe('filter-denied');
    now += 32_000;
    expect(fragment(1, 48, 53)).toBe('filter-denied');
  });

  it('cannot put another header over the one that was judged', () => {
    use({ inbound: ['tcp/22'] });
    const fragment = (offset: number, body: readonly number[]) =>
      judge('in', packet({ from: THEM, to: US, protocol: TCP, body, fragment: { id: 1, offset, more: true } }));
    expect(fragment(0, tcp(1, 22, TCP_SYN))).toBe('accept');
    for (const offset of [8, 16]) expect(fragment(offset, tcp(1, 80, TCP_SYN))).toBe('filter-unreadable');
    expect(fragment(24, tcp(1, 80, TCP_SYN))).toBe('accept');
    expect(fragment(0, tcp(1, 22, TCP_SYN).slice(0, 16))).toBe('filter-unreadable');
  });
});

describe('IPv6 extension headers', () => {
  const six = (extensions: [number, number[]][], body = tcp(1, 22, TCP_SYN)) =>
    judge('in', packet({ from: THEM6, to: US6, protocol: TCP, body, extensions }));
  const options: [number, number[]] = [60, [1, 4, 0, 0, 0, 0]];

  beforeEach(() => use({ inbound: ['tcp/22'] }));

  it('are passed over, as many as mean well', () => {
    expect(six([options])).toBe('accept');
    expect(six([[0, [1, 4, 0, 0, 0, 0]], options], tcp(1, 80, TCP_SYN))).toBe('filter-denied');
    expect(six(Array(8).fill(options))).toBe('accept');
    expect(six(Array(9).fill(options))).toBe('filter-unreadable');
    expect(six([[60, [...Array<number>(254).fill(0), ...Array<number>(8).fill(0)]]])).toBe('filter-unreadable');
  });

  it('that route by source are not', () => {
    expect(six([[43, [0, 0, 0, 0, 0, 0]]])).toBe('filter-unreadable');
  });
});

it('takes any bytes, and lets nothing in that no rule is for', () => {
  use({ inbound: [], outbound: [] });
  const header = fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x00);
  fc.assert(
    fc.property(
      header,
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom<PacketDirection>('in', 'out'),
      (first, rest, direction) => {
        const bytes = Uint8Array.from([first, ...rest]);
        if (direction === 'in' && bytes.length >= 20) bytes.set(parseIpAddress(US)!.bytes, 16);
        const verdict = judge(direction, bytes);
        // Only the rest of a datagram goes out without its ports.
        if (verdict === 'accept') expect(direction).toBe('out');
      },
    ),
    { numRuns: 5000 },
  );
});

describe('rules in shared memory', () => {
  it('allow what their sets do', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const text = fc.tuple(fc.constantFrom('tcp', 'udp'), port, port);
    const set = fc
      .array(
        text.map(([name, a, b]) => `${name}/${Math.min(a, b)}-${Math.max(a, b)}`),
        { maxLength: 8 },
      )
      .map(setOf);
    fc.assert(
      fc.property(set, set, fc.array(port), (inbound, outbound, ports) => {
        const peer = { number: PEER, incarnation: 1, inbound, outbound };
        const rules = buildRuleTable({ addresses: [parseIpAddress(US)!], peers: [peer] });
        filter = statefulFilter({ rules, flows: allocateFlows() });
        const edges = inbound
          .flatMap(([first, last]) => [first - 1, first, last, last + 1])
          .map((point) => point & 0xffff);
        for (const each of [...ports, ...edges]) {
          const isIn = inbound.some(([first, last]) => first <= (UDP << 16) + each && (UDP << 16) + each <= last);
          expect(into(UDP, udp(0, each)) === 'accept').toBe(isIn);
        }
      }),
      { numRuns: 50 },
    );
  });
});

function judge(direction: PacketDirection, bytes: Uint8Array, peer = PEER): PacketVerdict {
  const margin = 3;
  const room = new Uint8Array(bytes.length + 2 * margin).fill(0xff);
  room.set(bytes, margin);
  return filter.judge(direction, peer, new DataView(room.buffer), margin, bytes.length, instant(now) satisfies Instant);
}

function into(protocol: number, body: readonly number[]): PacketVerdict {
  return judge('in', packet({ from: THEM, to: US, protocol, body }));
}

function out(protocol: number, body: readonly number[]): PacketVerdict {
  return judge('out', packet({ from: US, to: THEM, protocol, body }));
}

function setOf(texts: readonly string[]): TrafficSet {
  if (texts.includes('*')) return ALL_TRAFFIC;
  return texts.length === 0 ? NO_TRAFFIC : uniteTraffic(texts.map((text) => parseTraffic(text)!));
}

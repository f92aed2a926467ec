import { type Endpoint, formatEndpoint, instant, parseEndpoint, type UdpPath } from '@shadownet/primitives';
import { BindingServer, decodeStunMessage, encodeStunMessage, type StunMessage } from '@shadownet/stun';
import { describe, expect, it } from 'vitest';
import { MAX_STUN_SERVERS, ReflexiveDiscovery, type ReflexiveEvent } from './reflexive-discovery.js';

const first = parseEndpoint('203.0.113.10:3478')!;
const second = parseEndpoint('203.0.113.11:3478')!;

function decoded(datagram: Uint8Array): StunMessage {
  const result = decodeStunMessage(datagram);
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

/** A discovery whose servers answer after 20 ms, as long as they see a mapped address for us. */
function world(servers: readonly Endpoint[] = [first, second]) {
  let seed = 0;
  const discovery = new ReflexiveDiscovery({
    random: (length) => Uint8Array.from({ length }, () => (seed = (seed * 73 + 41) % 251)),
    software: 'test',
  });
  const binding = new BindingServer({ maxPerSourcePerSecond: 100 });
  const mapped = new Map<string, string>();
  const sent: { at: number; to: string }[] = [];
  const answers: { at: number; bytes: Uint8Array; from: Endpoint }[] = [];
  const events: ReflexiveEvent[] = [];
  let now = 0;
  const out = {
    datagram: (bytes: Uint8Array, path: UdpPath) => {
      const to = formatEndpoint(path.remote);
      sent.push({ at: now, to });
      const seen = mapped.get(to);
      const answer = seen && binding.answer(bytes, parseEndpoint(seen)!, instant(now));
      if (answer) answers.push({ at: now + 20, bytes: answer, from: path.remote });
    },
  };
  const drain = () => {
    for (let event = discovery.pollEvent(); event; event = discovery.pollEvent()) events.push(event);
  };
  const runUntil = (end: number) => {
    for (;;) {
      const wakeup = discovery.pollTimeout();
      const next = Math.min(wakeup?.at ?? Infinity, answers[0]?.at ?? Infinity);
      if (next > end) break;
      now = Math.max(now, next);
      if (answers[0] && answers[0].at <= now) {
        const { bytes, from } = answers.shift()!;
        expect(discovery.handleMessage(decoded(bytes), from, instant(now))).toBe(true);
      }
      discovery.handleTimeout(instant(now), out);
      drain();
    }
    now = end;
  };
  const start = () => discovery.setServers(servers, instant(now), out);
  return { discovery, mapped, sent, events, out, start, runUntil, time: () => instant(now) };
}

describe('ReflexiveDiscovery', () => {
  it('asks all servers at once and reports what they see', () => {
    const { discovery, mapped, sent, events, start, runUntil } = world();
    mapped.set('203.0.113.10:3478', '198.51.100.1:51820').set('203.0.113.11:3478', '198.51.100.1:51820');
    start();
    expect(sent).toEqual([
      { at: 0, to: '203.0.113.10:3478' },
      { at: 0, to: '203.0.113.11:3478' },
    ]);
    runUntil(100);
    expect(events).toMatchObject([
      { kind: 'reflexive-address', server: first, rtt: 20 },
      { kind: 'reflexive-address', server: second, rtt: 20 },
    ]);
    expect(discovery.reflexive.map(formatEndpoint)).toEqual(['198.51.100.1:51820']);
  });

  it('asks again every 20 to 25 s', () => {
    const { mapped, sent, start, runUntil } = world([first]);
    mapped.set('203.0.113.10:3478', '198.51.100.1:51820');
    start();
    runUntil(600_000);
    const gaps = sent.slice(1).map(({ at }, i) => at - sent[i]!.at - 20);
    expect(gaps.length).toBeGreaterThan(20);
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(20_000);
      expect(gap).toBeLessThanOrEqual(25_000);
    }
    expect(new Set(gaps).size).toBeGreaterThan(5);
  });

  it('reports a changed address, and asks the other server at once', () => {
    const { discovery, mapped, sent, events, start, runUntil } = world();
    mapped.set('203.0.113.10:3478', '198.51.100.1:51820').set('203.0.113.11:3478', '198.51.100.1:51820');
    start();
    runUntil(15_000);
    mapped.set('203.0.113.10:3478', '198.51.100.2:4000').set('203.0.113.11:3478', '198.51.100.2:4000');
    sent.length = 0;
    runUntil(26_000);
    expect(sent).toHaveLength(2);
    expect(sent[1]!.at - sent[0]!.at).toBeLessThanOrEqual(20);
    expect(events.filter(({ kind }) => kind === 'reflexive-changed')).toHaveLength(2);
    expect(discovery.reflexive.map(formatEndpoint)).toEqual(['198.51.100.2:4000']);
  });

  it('does not ask in a circle when every answer differs', () => {
    const { mapped, sent, start, runUntil } = world();
    let port = 1000;
    Object.defineProperty(mapped, 'get', { value: () => `198.51.100.1:${(port += 1)}` });
    start();
    runUntil(120_000);
    expect(sent.length).toBeLessThan(2 * 2 * 7);
  });

  it('gives a silent server up after 39.5 s, and tries it again later', () => {
    const { sent, events, start, runUntil } = world([first]);
    start();
    runUntil(39_499);
    expect(events).toEqual([]);
    runUntil(39_500);
    expect(events).toEqual([{ kind: 'server-unreachable', server: first }]);
    expect(sent).toHaveLength(7);
    runUntil(39_500 + 25_000);
    expect(sent.length).toBeGreaterThan(7);
  });

  it('asks at once when told to refresh, but not twice within 500 ms', () => {
    const { discovery, mapped, sent, start, runUntil, out, time } = world([first]);
    mapped.set('203.0.113.10:3478', '198.51.100.1:51820');
    start();
    runUntil(1000);
    discovery.refresh(time(), out);
    discovery.refresh(time(), out);
    expect(sent).toHaveLength(2);
  });

  it('leaves messages of others alone: wrong id, wrong source', () => {
    const { discovery, start, out, time } = world([first]);
    let request = new Uint8Array(0);
    start();
    const spy = new ReflexiveDiscovery({ random: (length) => new Uint8Array(length) });
    spy.setServers([first], time(), { datagram: (bytes) => (request = Uint8Array.from(bytes)) });
    const answer = decoded(new BindingServer({ maxPerSourcePerSecond: 1 }).answer(request, second, time())!);
    expect(discovery.handleMessage(answer, first, time())).toBe(false);
    expect(spy.handleMessage(answer, second, time())).toBe(false);
    expect(spy.handleMessage(answer, first, time())).toBe(true);
    discovery.handleTimeout(time(), out);
    expect(discovery.reflexive).toEqual([]);
  });

  it('counts an error response as unreachable', () => {
    const discovery = new ReflexiveDiscovery({ random: (length) => new Uint8Array(length) });
    discovery.setServers([first], instant(0), { datagram: () => {} });
    const error = encodeStunMessage({
      class: 'error',
      transactionId: new Uint8Array(12),
      attributes: [{ kind: 'error-code', code: 420, phrase: '' }],
      fingerprint: false,
    });
    expect(discovery.handleMessage(decoded(error), first, instant(5))).toBe(true);
    expect(discovery.pollEvent()).toEqual({ kind: 'server-unreachable', server: first });
  });

  it('asks at most 8 servers, each once, and forgets those that are withdrawn', () => {
    const servers = Array.from({ length: 20 }, (_, i) => parseEndpoint(`203.0.113.${10 + (i >> 1)}:3478`)!);
    const { discovery, sent, start, out, time } = world(servers);
    start();
    expect(sent).toHaveLength(MAX_STUN_SERVERS);
    discovery.setServers([], time(), out);
    expect(discovery.pollTimeout()).toBeUndefined();
  });
});

// The path agent by itself: its peer is a second one or plain probe messages, the network a table of delays.

import { nodeCrypto } from '@shadownet/crypto';
import {
  type Endpoint,
  formatEndpoint,
  instant,
  type Instant,
  parseEndpoint,
  parseIpAddress,
  parseIpPrefix,
  type Path,
  publicKeyFromBytes,
  udpPath,
} from '@shadownet/primitives';
import { decodeStunMessage, type StunMessage } from '@shadownet/stun';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from './candidate.js';
import { DestinationLimiter } from './destination-limiter.js';
import { PathAgent } from './path-agent.js';
import type { PathEvent } from './path-event.js';
import { deriveProbeKeys } from './probe-keys.js';
import { encodeProbeRequest, encodeProbeResponse, openProbe } from './probe-message.js';

const local = nodeCrypto.privateKey(new Uint8Array(32).fill(1));
const remote = nodeCrypto.privateKey(new Uint8Array(32).fill(2));
const localPublicKey = publicKeyFromBytes(local.publicKey)!;
const remotePublicKey = publicKeyFromBytes(remote.publicKey)!;
const remoteKeys = deriveProbeKeys(nodeCrypto, remote, localPublicKey)!;

const near = parseEndpoint('203.0.113.1:51820')!;
const far = parseEndpoint('203.0.113.2:51820')!;
const other = parseEndpoint('203.0.113.3:51820')!;
const NO_DATA = { packets: 0, largestBytes: 0 };
const host = (endpoint: Endpoint): Candidate => ({ kind: 'host', endpoint });

function decoded(datagram: Uint8Array): StunMessage {
  const result = decodeStunMessage(datagram);
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

/** An agent whose peer answers at each endpoint of `rtts` after that many milliseconds, and nowhere else. */
function world(options: { limiter?: DestinationLimiter; overlay?: string } = {}) {
  let seed = 1;
  const agent = new PathAgent({
    random: (length) => Uint8Array.from({ length }, () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16),
    crypto: nodeCrypto,
    keys: deriveProbeKeys(nodeCrypto, local, remotePublicKey)!,
    localPublicKey,
    remotePublicKey,
    firstCounter: 5000n,
    overlayPrefixes: options.overlay ? [parseIpPrefix(options.overlay)!] : [],
    ...(options.limiter && { limiter: options.limiter }),
  });
  const rtts = new Map<Endpoint, number>();
  const sent: { at: number; to: string; bytes: Uint8Array }[] = [];
  const answers: { at: number; run: () => void }[] = [];
  const events: PathEvent[] = [];
  let now = 0;
  let peerCounter = 1n;

  const out = {
    datagram: (bytes: Uint8Array, path: Path) => {
      if (path.kind !== 'udp') throw new Error('there is no relay here');
      sent.push({ at: now, to: formatEndpoint(path.remote), bytes });
      const message = decoded(bytes);
      if (message.class !== 'request') return;
      for (const [endpoint, rtt] of rtts) {
        if (formatEndpoint(endpoint) !== formatEndpoint(path.remote)) continue;
        const response = encodeProbeResponse(nodeCrypto, remoteKeys, message.transactionId, udpPath(endpoint), NO_DATA);
        answers.push({ at: now + rtt, run: () => receive(response, endpoint) });
        answers.sort((a, b) => a.at - b.at);
      }
    },
  };
  const drain = () => {
    for (let event = agent.pollEvent(); event; event = agent.pollEvent()) {
      // Each search calls the peer, by the control server where there is no relay: path-agent-relay.spec.ts.
      if (event.kind !== 'call-by-control') events.push(event);
    }
  };
  const receive = (datagram: Uint8Array, from: Endpoint) => {
    const result = agent.handleProbe(decoded(datagram), datagram, udpPath(from), instant(now), out);
    drain();
    return result;
  };
  const request = (counter = (peerCounter += 1n)) =>
    encodeProbeRequest(nodeCrypto, remoteKeys, new Uint8Array(12).fill(7), counter);
  const runUntil = (end: number) => {
    for (;;) {
      const next = Math.min(agent.pollTimeout()?.at ?? Infinity, answers[0]?.at ?? Infinity);
      if (next > end) break;
      now = Math.max(now, next);
      if (answers[0] && answers[0].at <= now) answers.shift()!.run();
      agent.handleTimeout(instant(now), out);
      drain();
    }
    now = end;
  };
  const command = (run: (now: Instant) => void) => {
    run(instant(now));
    drain();
  };
  const setCandidates = (...candidates: Candidate[]) =>
    command((now) => agent.setRemoteCandidates(candidates, now, out));
  const start = () => command((now) => agent.start(now, out));
  const probesTo = (endpoint: Endpoint) => sent.filter(({ to }) => to === formatEndpoint(endpoint));
  const kinds = () => events.map(({ kind }) => kind);
  const path = () => {
    const { path } = agent.status(instant(now));
    return path?.kind === 'udp' ? formatEndpoint(path.remote) : undefined;
  };
  return {
    agent,
    rtts,
    sent,
    events,
    out,
    receive,
    request,
    runUntil,
    command,
    setCandidates,
    start,
    probesTo,
    kinds,
    path,
    at: () => instant(now),
  };
}

describe('searching', () => {
  it('answers and probes from that address of ours that the peer has probed, also where its own was announced', () => {
    const { agent, request, setCandidates, command } = world();
    setCandidates(host(near));
    const probed = parseIpAddress('192.0.2.7')!;
    const datagram = request();
    const sent: Path[] = [];
    const out = { datagram: (_: Uint8Array, path: Path) => void sent.push(path) };
    command((now) => agent.handleProbe(decoded(datagram), datagram, udpPath(near, probed), now, out));
    expect(sent).toEqual([udpPath(near, probed), udpPath(near, probed)]);
  });

  it('sends nothing before it is started', () => {
    const { agent, sent, setCandidates, at } = world();
    setCandidates(host(near));
    expect(agent.pollTimeout()).toBeUndefined();
    expect(sent).toEqual([]);
    expect(agent.status(at())).toMatchObject({ state: 'idle', candidates: [{ state: 'untested' }] });
  });

  it('probes all candidates every 300 to 500 ms for 10 s, then pauses', () => {
    const { agent, events, setCandidates, start, runUntil, probesTo } = world();
    setCandidates(host(near), host(far));
    start();
    expect(events).toEqual([{ kind: 'search-started', reason: 'started' }]);
    runUntil(9_999);
    for (const endpoint of [near, far]) {
      const times = probesTo(endpoint).map(({ at }) => at);
      expect(times.length).toBeGreaterThanOrEqual(20);
      for (const [i, at] of times.slice(1).entries()) {
        expect(at - times[i]!).toBeGreaterThanOrEqual(300);
        expect(at - times[i]!).toBeLessThanOrEqual(500);
      }
    }
    runUntil(10_000);
    expect(events.at(-1)?.kind).toBe('search-paused');
    expect(agent.pollTimeout()?.reason).toBe('path: search again');
  });

  it('uses a counter once, each higher than the last, from the first given', () => {
    const { sent, setCandidates, start, runUntil } = world();
    setCandidates(host(near), host(far));
    start();
    runUntil(5000);
    const counters = sent.map(({ bytes }) => {
      const probe = openProbe(nodeCrypto, remoteKeys, decoded(bytes), bytes);
      return probe.ok && probe.kind === 'request' ? probe.counter : undefined;
    });
    // The call that the search began with has the first.
    expect(counters).toEqual(counters.map((_, i) => 5001n + BigInt(i)));
  });

  it('takes the first that answers, and changes to a clearly faster one', () => {
    const { rtts, events, setCandidates, start, runUntil, path } = world();
    rtts.set(far, 100);
    setCandidates(host(near), host(far));
    start();
    runUntil(100);
    expect(path()).toBe(formatEndpoint(far));
    rtts.set(near, 20);
    runUntil(1000);
    expect(path()).toBe(formatEndpoint(near));
    expect(events.filter(({ kind }) => kind === 'path-selected')).toEqual([
      { kind: 'path-selected', path: udpPath(far), rtt: 100 },
      { kind: 'path-selected', path: udpPath(near), rtt: 20 },
    ]);
  });

  it('finds a better path minutes later, too', () => {
    const { rtts, setCandidates, start, runUntil, path } = world();
    rtts.set(far, 100);
    setCandidates(host(near), host(far));
    start();
    runUntil(60_000);
    rtts.set(near, 20);
    runUntil(60_000 + 80_000);
    expect(path()).toBe(formatEndpoint(near));
  });

  it('ends its pause for a new candidate, and not for a known one', () => {
    const { rtts, events, setCandidates, start, runUntil, path } = world();
    setCandidates(host(near));
    start();
    runUntil(10_500);
    setCandidates(host(near));
    expect(events.at(-1)?.kind).toBe('search-paused');
    rtts.set(far, 30);
    setCandidates(host(near), host(far));
    expect(events.at(-1)).toEqual({ kind: 'search-started', reason: 'new-candidates' });
    runUntil(10_530);
    expect(path()).toBe(formatEndpoint(far));
  });

  it('leaves unusable candidates out, and those beyond 16', () => {
    const { agent, setCandidates, at } = world({ overlay: '10.100.0.0/16' });
    const many = Array.from({ length: 30 }, (_, i) => host(parseEndpoint(`203.0.113.${i + 1}:9`)!));
    setCandidates(host(parseEndpoint('127.0.0.1:9')!), host(parseEndpoint('10.100.0.9:9')!), ...many, ...many);
    expect(agent.status(at()).candidates).toHaveLength(16);
  });

  it('does not probe what was withdrawn, but keeps the path in use', () => {
    const { rtts, agent, setCandidates, start, runUntil, probesTo, at } = world();
    rtts.set(near, 10);
    setCandidates(host(near), host(far));
    start();
    runUntil(100);
    const before = probesTo(far).length;
    setCandidates(host(other));
    runUntil(30_000);
    expect(probesTo(far)).toHaveLength(before);
    expect(agent.status(at())).toMatchObject({ state: 'connected', path: udpPath(near) });
  });

  it('stops when told to, and still answers', () => {
    const { agent, sent, setCandidates, start, command, receive, request } = world();
    setCandidates(host(near));
    start();
    command((now) => agent.stop(now));
    expect(agent.pollTimeout()).toBeUndefined();
    sent.length = 0;
    expect(receive(request(), near)).toEqual({ ok: true });
    expect(decoded(sent[0]!.bytes).class).toBe('success');
  });
});

describe('a ping', () => {
  it('measures the path that data takes, without harm to it', () => {
    const { agent, rtts, events, setCandidates, start, runUntil, command, out } = world();
    rtts.set(near, 30);
    setCandidates(host(near));
    start();
    runUntil(1000);
    expect(events.some(({ kind }) => kind === 'pong')).toBe(false);
    rtts.set(near, 40);
    command((now) => expect(agent.ping(now, out)).toBe(true));
    runUntil(1039);
    expect(events.some(({ kind }) => kind === 'pong')).toBe(false);
    runUntil(1040);
    expect(events.filter(({ kind }) => kind === 'pong')).toEqual([{ kind: 'pong', path: udpPath(near), rtt: 40 }]);
    expect(events.some(({ kind }) => kind === 'path-lost')).toBe(false);
  });

  it('starts a search where there is no path', () => {
    const { agent, rtts, setCandidates, runUntil, command, path, out } = world();
    rtts.set(near, 30);
    setCandidates(host(near));
    command((now) => expect(agent.ping(now, out)).toBe(false));
    runUntil(100);
    expect(path()).toBe(formatEndpoint(near));
  });
});

describe('answers', () => {
  const searching = () => {
    const subject = world();
    subject.setCandidates(host(near), host(far));
    subject.start();
    const [probe] = subject.probesTo(near);
    return {
      ...subject,
      response: encodeProbeResponse(
        nodeCrypto,
        remoteKeys,
        decoded(probe!.bytes).transactionId,
        udpPath(near),
        NO_DATA,
      ),
    };
  };

  it('confirm a path once, and only from the address that was asked', () => {
    const { receive, response, path } = searching();
    expect(receive(response, far)).toEqual({ ok: false, reason: 'wrong-source' });
    expect(receive(response, other)).toEqual({ ok: false, reason: 'wrong-source' });
    expect(path()).toBeUndefined();
    expect(receive(response, near)).toEqual({ ok: true });
    expect(path()).toBe(formatEndpoint(near));
    expect(receive(response, near)).toEqual({ ok: false, reason: 'unknown-transaction' });
  });

  it('are too late after 5 s', () => {
    const { receive, response, runUntil } = searching();
    runUntil(5001);
    expect(receive(response, near)).toEqual({ ok: false, reason: 'unknown-transaction' });
  });

  it('to requests of nobody are dropped and counted', () => {
    const { agent, receive, path } = searching();
    const invented = encodeProbeResponse(nodeCrypto, remoteKeys, new Uint8Array(12), udpPath(near), NO_DATA);
    expect(receive(invented, near)).toEqual({ ok: false, reason: 'unknown-transaction' });
    expect(agent.counters.dropped).toEqual({ 'unknown-transaction': 1 });
    expect(path()).toBeUndefined();
  });
});

describe('requests of the peer', () => {
  it('are answered at their source, which becomes a candidate and is probed at once', () => {
    const { agent, sent, events, receive, request, at } = world();
    receive(request(), near);
    expect(sent.map(({ to, bytes }) => [to, decoded(bytes).class])).toEqual([
      [formatEndpoint(near), 'success'],
      [formatEndpoint(near), 'request'],
    ]);
    expect(events).toEqual([{ kind: 'search-started', reason: 'sign-of-life' }]);
    expect(agent.status(at()).candidates).toMatchObject([{ kind: 'peer-reflexive', state: 'probing' }]);
  });

  it('are taken once, in any order inside the window', () => {
    const { agent, receive, request } = world();
    expect(receive(request(5000n), near)).toEqual({ ok: true });
    expect(receive(request(4000n), near)).toEqual({ ok: true });
    expect(receive(request(4000n), near)).toEqual({ ok: false, reason: 'replayed-counter' });
    expect(receive(request(5000n), other)).toEqual({ ok: false, reason: 'replayed-counter' });
    expect(receive(request(3000n), near)).toEqual({ ok: false, reason: 'replayed-counter' });
    expect(agent.counters.dropped).toEqual({ 'replayed-counter': 3 });
    expect(agent.counters.requestsAnswered).toBe(2);
  });

  it('from a replayer make no candidate', () => {
    const { agent, receive, request, at } = world();
    receive(request(10n), near);
    receive(request(10n), other);
    expect(agent.status(at()).candidates).toHaveLength(1);
  });

  it('from addresses that can be no path are not answered', () => {
    const { sent, receive, request } = world({ overlay: '10.100.0.0/16' });
    const inside = parseEndpoint('10.100.0.2:51820')!;
    expect(receive(request(), inside)).toEqual({ ok: false, reason: 'unusable-source' });
    expect(sent).toEqual([]);
  });

  it('that are too short for their answer are not answered', () => {
    const { sent, receive, request } = world();
    const v6 = parseEndpoint('[2001:db8::1]:51820')!;
    const withoutFingerprint = request().slice(0, -8);
    withoutFingerprint[3]! -= 8;
    expect(receive(withoutFingerprint, v6)).toEqual({ ok: false, reason: 'request-too-short' });
    expect(sent).toEqual([]);
    expect(receive(withoutFingerprint.slice(), near)).toEqual({ ok: false, reason: 'replayed-counter' });
  });

  it('from ever new addresses leave at most 8 learnt candidates, and the path in use', () => {
    const { agent, rtts, receive, request, runUntil, path, at } = world();
    rtts.set(near, 10);
    receive(request(), near);
    runUntil(50);
    expect(path()).toBe(formatEndpoint(near));
    for (let port = 1; port <= 100; port++) receive(request(), { ...other, port });
    expect(agent.status(at()).candidates).toHaveLength(8);
    expect(path()).toBe(formatEndpoint(near));
  });

  it('cannot make it probe one destination faster than every 200 ms', () => {
    const { probesTo, receive, request, runUntil, sent } = world();
    for (let ms = 0; ms < 5000; ms += 10) {
      runUntil(ms);
      receive(request(), near);
    }
    const times = probesTo(near)
      .filter(({ bytes }) => decoded(bytes).class === 'request')
      .map(({ at }) => at);
    for (const [i, at] of times.slice(1).entries()) expect(at - times[i]!).toBeGreaterThanOrEqual(200);
    expect(sent.length - times.length).toBe(500);
  });
});

describe('a limiter shared between agents', () => {
  it('holds for a destination that several peers announce', () => {
    const limiter = new DestinationLimiter();
    const worlds = [world({ limiter }), world({ limiter }), world({ limiter })];
    for (const { setCandidates, start } of worlds) {
      setCandidates(host(near));
      start();
    }
    expect(worlds.map(({ sent }) => sent.length)).toEqual([1, 0, 0]);
  });
});

describe('a connected path', () => {
  const connected = () => {
    const subject = world();
    subject.rtts.set(near, 20);
    subject.setCandidates(host(near));
    subject.start();
    subject.runUntil(3000);
    subject.events.length = 0;
    subject.sent.length = 0;
    return subject;
  };

  it('is checked 500 ms after data that nothing came back for, every 400 ms, and lost after 3.5 s', () => {
    const { agent, rtts, sent, events, command, runUntil } = connected();
    rtts.clear();
    command((now) => agent.trafficSent(now));
    runUntil(3000 + 499);
    command((now) => agent.trafficSent(now));
    expect(sent).toEqual([]);
    expect(agent.pollTimeout()).toEqual({ at: 3500, reason: 'path: data unanswered' });
    runUntil(3000 + 3499);
    expect(sent.map(({ at }) => at - 3000)).toEqual([500, 900, 1300, 1700, 2100, 2500, 2900, 3300]);
    expect(agent.pollTimeout()).toEqual({ at: 6500, reason: 'path: give it up' });
    runUntil(6500);
    expect(events).toEqual([
      { kind: 'path-in-doubt', path: udpPath(near) },
      { kind: 'path-lost', path: udpPath(near), reason: 'data-unanswered' },
      { kind: 'search-started', reason: 'path-lost' },
    ]);
  });

  it('is checked once when a peer that had been sending falls silent', () => {
    const { agent, sent, command, runUntil } = connected();
    for (const ms of [3000, 3900, 5000]) {
      runUntil(ms);
      command((now) => agent.trafficReceived(udpPath(near), now));
    }
    runUntil(9000);
    expect(sent.map(({ at }) => at)).toEqual([6200]);
  });

  it('is not checked for what comes now and then', () => {
    const { agent, sent, command, runUntil } = connected();
    for (const ms of [3000, 3100, 4400, 4500, 5800, 5900]) {
      runUntil(ms);
      command((now) => agent.trafficReceived(udpPath(near), now));
    }
    runUntil(9000);
    expect(sent).toEqual([]);
  });

  it('is in doubt, and then lost, when a peer falls silent and probes are not answered, though nothing was asked', () => {
    const { agent, rtts, events, command, runUntil } = connected();
    for (const ms of [3000, 3100, 3200]) {
      runUntil(ms);
      command((now) => agent.trafficReceived(udpPath(near), now));
    }
    rtts.clear();
    runUntil(3200 + 1200 + 400);
    expect(events).toEqual([{ kind: 'path-in-doubt', path: udpPath(near) }]);
    runUntil(3200 + 1200 + 1600);
    expect(events[1]).toEqual({ kind: 'path-lost', path: udpPath(near), reason: 'data-stopped' });
  });

  it('is checked when others see us elsewhere', () => {
    const { agent, sent, out, command } = connected();
    command((now) => agent.noteAddressChanged(now, out));
    expect(sent.map(({ to }) => to)).toEqual([formatEndpoint(near)]);
  });

  it('is not checked while data comes back on it, and is if it comes on another', () => {
    const { agent, sent, command, runUntil } = connected();
    for (let ms = 3000; ms < 9000; ms += 500) {
      command((now) => agent.trafficSent(now));
      command((now) => agent.trafficReceived(udpPath(near), now));
      runUntil(ms);
    }
    expect(sent).toEqual([]);
    command((now) => agent.trafficSent(now));
    command((now) => agent.trafficReceived(udpPath(far), now));
    runUntil(9_100);
    expect(sent).toHaveLength(1);
  });

  it('is kept by one answer in many', () => {
    const { agent, rtts, events, command, runUntil } = connected();
    rtts.clear();
    command((now) => agent.trafficSent(now));
    runUntil(3000 + 2800);
    rtts.set(near, 20);
    runUntil(7000);
    expect(events).toEqual([
      { kind: 'path-in-doubt', path: udpPath(near) },
      { kind: 'rtt', path: udpPath(near), rtt: 20 },
    ]);
  });

  it('is lost by a keepalive that stays unanswered', () => {
    const { rtts, events, runUntil } = connected();
    rtts.clear();
    runUntil(14_000);
    expect(events[0]).toEqual({ kind: 'path-lost', path: udpPath(near), reason: 'keepalive-unanswered' });
  });

  it('is checked at once when the peer sends from a new address, which takes over if ours is dead', () => {
    const { agent, rtts, sent, events, command, runUntil, out, path } = connected();
    rtts.clear();
    rtts.set(other, 25);
    command((now) => agent.learn(udpPath(other), now, out));
    expect(sent.map(({ to }) => to)).toEqual([formatEndpoint(other), formatEndpoint(near)]);
    runUntil(3000 + 1600);
    expect(events).toEqual([
      { kind: 'path-lost', path: udpPath(near), reason: 'peer-moved' },
      { kind: 'search-started', reason: 'path-lost' },
      { kind: 'path-selected', path: udpPath(other), rtt: 25 },
    ]);
    expect(path()).toBe(formatEndpoint(other));
  });

  it('has a new address of the peer probed again soon, should the first probe be lost', () => {
    const { agent, rtts, command, runUntil, out, path } = connected();
    runUntil(9000);
    command((now) => agent.learn(udpPath(other), now, out)); // nobody answers there yet
    rtts.set(other, 5);
    runUntil(11_000);
    expect(path()).toBe(formatEndpoint(other));
  });

  it('stays if the peer sends from another address that is no better', () => {
    const { agent, rtts, events, command, runUntil, out, path } = connected();
    rtts.set(other, 20);
    for (let ms = 3000; ms < 60_000; ms += 100) {
      runUntil(ms);
      command((now) => agent.learn(udpPath(other), now, out));
    }
    expect(path()).toBe(formatEndpoint(near));
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['rtt']));
  });

  it('measures, smoothed: a quarter of each new value', () => {
    const { agent, rtts, events, command, runUntil, out } = connected();
    rtts.set(near, 60);
    command((now) => agent.start(now, out));
    runUntil(3100);
    expect(events).toEqual([{ kind: 'rtt', path: udpPath(near), rtt: 30 }]);
  });

  it('explains every wake-up', () => {
    const { agent, runUntil } = connected();
    const reasons = new Set<string>();
    for (let ms = 3000; ms < 200_000; ms += 50) {
      runUntil(ms);
      reasons.add(agent.pollTimeout()!.reason);
    }
    expect([...reasons].sort()).toEqual(['path: check 2', 'path: keepalive', 'path: look for a better one']);
  });
});

describe('whatever happens', () => {
  it('memory and probe rates stay bounded, and no wake-up is left overdue', () => {
    const endpoints = [near, far, other, ...[1, 2, 3, 4].map((port) => ({ ...other, port }))];
    const anyEndpoint = fc.constantFrom(...endpoints);
    const step = fc.oneof(
      fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(600), fc.nat(20_000)) }),
      fc.record({ do: fc.constant('candidates' as const), endpoints: fc.subarray(endpoints) }),
      fc.record({ do: fc.constant('request' as const), from: anyEndpoint }),
      fc.record({ do: fc.constant('learn' as const), from: anyEndpoint }),
      fc.record({ do: fc.constant('reachable' as const), at: anyEndpoint, rtt: fc.integer({ min: 1, max: 900 }) }),
      fc.record({ do: fc.constant('unreachable' as const), at: anyEndpoint }),
      fc.record({ do: fc.constantFrom('start' as const, 'stop' as const, 'sent' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const subject = world();
        const { agent, out } = subject;
        for (const step of steps) {
          if (step.do === 'wait') subject.runUntil(subject.at() + step.ms);
          else if (step.do === 'candidates') subject.setCandidates(...step.endpoints.map(host));
          else if (step.do === 'request') subject.receive(subject.request(), step.from);
          else if (step.do === 'learn') subject.command((now) => agent.learn(udpPath(step.from), now, out));
          else if (step.do === 'reachable') subject.rtts.set(step.at, step.rtt);
          else if (step.do === 'unreachable') subject.rtts.delete(step.at);
          else if (step.do === 'start') subject.start();
          else if (step.do === 'stop') subject.command((now) => agent.stop(now));
          else subject.command((now) => agent.trafficSent(now));

          const wakeup = agent.pollTimeout();
          if (step.do === 'wait' && wakeup) expect(wakeup.at).toBeGreaterThan(subject.at());
          const { candidates, state, path } = agent.status(subject.at());
          expect(candidates.length).toBeLessThanOrEqual(16 + 8 + 1);
          expect(path !== undefined).toBe(state === 'connected');
        }
        for (const endpoint of endpoints) {
          const requests = subject.probesTo(endpoint).filter(({ bytes }) => decoded(bytes).class === 'request');
          for (const [i, { at }] of requests.slice(1).entries()) {
            expect(at - requests[i]!.at).toBeGreaterThanOrEqual(200);
          }
        }
      }),
    );
  });
});

describe('own key', () => {
  it('is refused', () => {
    const keys = deriveProbeKeys(nodeCrypto, local, remotePublicKey)!;
    const random = (length: number) => new Uint8Array(length);
    const options = { random, crypto: nodeCrypto, keys, localPublicKey, firstCounter: 1n };
    expect(() => new PathAgent({ ...options, remotePublicKey: localPublicKey })).toThrow(
      expect.objectContaining({ code: 'own-key' }),
    );
  });
});

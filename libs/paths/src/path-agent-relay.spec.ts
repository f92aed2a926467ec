// The path agent with a relay: where data goes first, who is called, and what calls of others can and cannot do.

import { nodeCrypto } from '@shadownet/crypto';
import {
  formatPath,
  instant,
  parseEndpoint,
  type Path,
  publicKeyFromBytes,
  relayPath,
  udpPath,
} from '@shadownet/primitives';
import { decodeStunMessage, type StunMessage } from '@shadownet/stun';
import { describe, expect, it } from 'vitest';
import { type Call, encodeCall } from './call.js';
import { UNKNOWN_NAT } from './nat-traits.js';
import { PathAgent } from './path-agent.js';
import type { PathEvent } from './path-event.js';
import { deriveProbeKeys } from './probe-keys.js';
import { encodeCallMessage, encodeProbeRequest, encodeProbeResponse } from './probe-message.js';

const local = nodeCrypto.privateKey(new Uint8Array(32).fill(1));
const remote = nodeCrypto.privateKey(new Uint8Array(32).fill(2));
const localPublicKey = publicKeyFromBytes(local.publicKey)!;
const remotePublicKey = publicKeyFromBytes(remote.publicKey)!;
const remoteKeys = deriveProbeKeys(nodeCrypto, remote, localPublicKey)!;
const relay = relayPath('eu-1', remotePublicKey);
const near = parseEndpoint('203.0.113.1:51820')!;
const far = parseEndpoint('203.0.113.2:51820')!;
const NO_DATA = { packets: 0, largestBytes: 0 };

function decoded(datagram: Uint8Array): StunMessage {
  const result = decodeStunMessage(datagram);
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

function world() {
  let seed = 1;
  const agent = new PathAgent({
    random: (length) => Uint8Array.from({ length }, () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16),
    crypto: nodeCrypto,
    keys: deriveProbeKeys(nodeCrypto, local, remotePublicKey)!,
    localPublicKey,
    remotePublicKey,
    firstCounter: 1n,
  });
  const sent: { path: string; kind: StunMessage['class']; message: StunMessage }[] = [];
  const out = {
    datagram: (bytes: Uint8Array, path: Path) => {
      const message = decoded(bytes);
      sent.push({ path: formatPath(path), kind: message.class, message });
    },
  };
  const events = (): PathEvent[] => {
    const found: PathEvent[] = [];
    for (let event = agent.pollEvent(); event; event = agent.pollEvent()) found.push(event);
    return found;
  };
  const receive = (bytes: Uint8Array, from: Path, now = 0) =>
    agent.handleProbe(decoded(bytes), bytes, from, instant(now), out);
  return { agent, sent, out, events, receive };
}

const callOf = (counter: bigint, call: Partial<Call> = {}) =>
  encodeCallMessage(
    nodeCrypto,
    remoteKeys,
    new Uint8Array(12).fill(Number(counter & 0xffn)),
    counter,
    encodeCall({ candidates: [{ kind: 'host', endpoint: near }], nat: UNKNOWN_NAT, ...call }),
  );

describe('an agent with a relay', () => {
  it('sends data by it at once, and nothing of its own', () => {
    const { agent, sent, events } = world();
    agent.setRelay(relay, instant(0));
    expect(events()).toEqual([{ kind: 'path-selected', path: relay, rtt: undefined }]);
    expect([sent, agent.pollTimeout()]).toEqual([[], undefined]);
  });

  it('calls the peer and probes its candidates with the first data, and with none that follows', () => {
    const { agent, sent, out, events } = world();
    agent.setRelay(relay, instant(0));
    agent.setRemoteCandidates([{ kind: 'host', endpoint: near }], instant(0), out);
    for (let i = 0; i < 3; i++) agent.trafficSent(instant(0), 148);
    agent.handleTimeout(instant(0), out);
    expect(sent.map(({ path, kind }) => [path, kind])).toEqual([
      [formatPath(relay), 'indication'],
      [formatPath(relay), 'request'],
      [formatPath(udpPath(near)), 'request'],
    ]);
    expect(events().at(-1)).toEqual({ kind: 'search-started', reason: 'traffic' });
  });

  it('goes direct when a candidate answers, and back to the relay when that is lost', () => {
    const { agent, sent, out, events, receive } = world();
    agent.setRelay(relay, instant(0));
    agent.setRemoteCandidates([{ kind: 'host', endpoint: near }], instant(0), out);
    agent.start(instant(0), out);
    const probe = sent.find(({ path }) => path === formatPath(udpPath(near)))!;
    receive(
      encodeProbeResponse(nodeCrypto, remoteKeys, probe.message.transactionId, udpPath(near), NO_DATA),
      udpPath(near),
      20,
    );
    expect(events().at(-1)).toEqual({ kind: 'path-selected', path: udpPath(near), rtt: 20 });

    agent.trafficSent(instant(1000), 148);
    expect(agent.duplicatePath).toBeUndefined();
    for (let now = 1000; now < 4000; now += 50) agent.handleTimeout(instant(now), out);
    expect(agent.duplicatePath).toEqual(relay);
    agent.handleTimeout(instant(4000), out);
    expect(events().filter(({ kind }) => kind.startsWith('path-'))).toEqual([
      { kind: 'path-in-doubt', path: udpPath(near) },
      { kind: 'path-lost', path: udpPath(near), reason: 'data-unanswered' },
      { kind: 'path-selected', path: relay, rtt: undefined },
    ]);
    expect(agent.duplicatePath).toBeUndefined();
  });

  it('has no path any more when the relay is gone', () => {
    const { agent, events } = world();
    agent.setRelay(relay, instant(0));
    agent.setRelay(undefined, instant(1));
    expect(events().at(-1)).toEqual({ kind: 'path-lost', path: relay, reason: 'relay-gone' });
  });
});

describe('a call of the peer', () => {
  it('makes us probe where it says, and call back once', () => {
    const { agent, sent, receive } = world();
    agent.setRelay(relay, instant(0));
    expect(receive(callOf(1n), relay)).toEqual({ ok: true });
    expect(receive(callOf(2n), relay)).toEqual({ ok: true });
    expect(sent.filter(({ kind }) => kind === 'indication')).toHaveLength(1);
    expect(sent.map(({ path }) => path)).toContain(formatPath(udpPath(near)));
  });

  it('is taken once, not altered, and not from ourselves', () => {
    const { agent, sent, receive } = world();
    const call = callOf(7n);
    expect(receive(call, relay)).toEqual({ ok: true });
    expect(receive(call, relay)).toEqual({ ok: false, reason: 'replayed-counter' });
    const before = sent.length;
    const ours = deriveProbeKeys(nodeCrypto, local, remotePublicKey)!;
    const reflected = encodeCallMessage(
      nodeCrypto,
      ours,
      new Uint8Array(12),
      8n,
      encodeCall({ candidates: [], nat: UNKNOWN_NAT }),
    );
    expect(receive(reflected, relay)).toEqual({ ok: false, reason: 'wrong-id' });
    const foreign = { ...remoteKeys, outgoingRequest: remoteKeys.outgoingResponse };
    const forged = encodeCallMessage(
      nodeCrypto,
      foreign,
      new Uint8Array(12),
      9n,
      encodeCall({ candidates: [], nat: UNKNOWN_NAT }),
    );
    expect(receive(forged, relay)).toEqual({ ok: false, reason: 'bad-integrity' });
    const malformed = encodeCallMessage(nodeCrypto, remoteKeys, new Uint8Array(12), 10n, Uint8Array.of(9));
    expect(receive(malformed, relay)).toEqual({ ok: false, reason: 'malformed-call' });
    expect(sent).toHaveLength(before);
    expect(agent.counters.dropped).toEqual({
      'replayed-counter': 1,
      'wrong-id': 1,
      'bad-integrity': 1,
      'malformed-call': 1,
    });
  });

  it('that comes again and again makes us send no more than a few a second', () => {
    const { agent, sent, receive } = world();
    agent.setRelay(relay, instant(0));
    for (let i = 0; i < 1000; i++) {
      const endpoint = { ...far, port: 1000 + i };
      receive(callOf(BigInt(i + 1), { candidates: [{ kind: 'host', endpoint }] }), relay, i);
    }
    expect(agent.counters.dropped['calls-limited']).toBeGreaterThanOrEqual(995);
    expect(sent.length).toBeLessThan(30);
  });

  it('wakes a quiet agent, which a mere probe does not', () => {
    const { agent, sent, receive } = world();
    agent.setRelay(relay, instant(0));
    receive(encodeProbeRequest(nodeCrypto, remoteKeys, new Uint8Array(12), 1n), udpPath(near));
    expect(sent.map(({ kind }) => kind)).toEqual(['success']);
    expect(agent.status(instant(0)).state).toBe('idle');
    receive(callOf(2n), relay);
    expect(agent.status(instant(0)).state).toBe('searching');
  });
});

describe('an agent whose peer speaks from elsewhere', () => {
  it('sends its data by the relay, too, until its path has answered: the peer may have closed the socket there', () => {
    const { agent, sent, out, receive } = world();
    const direct = udpPath(near);
    const answer = (at: number): void => {
      const probe = sent.findLast(({ path, kind }) => path === formatPath(direct) && kind === 'request')!;
      receive(encodeProbeResponse(nodeCrypto, remoteKeys, probe.message.transactionId, direct, NO_DATA), direct, at);
    };
    agent.setRelay(relay, instant(0));
    agent.setRemoteCandidates([{ kind: 'host', endpoint: near }], instant(0), out);
    agent.start(instant(0), out);
    answer(20);
    expect(agent.duplicatePath).toBeUndefined();
    agent.learn(udpPath(far), instant(1000), out);
    expect(agent.duplicatePath).toEqual(relay);
    answer(1020);
    expect(agent.duplicatePath).toBeUndefined();
  });
});

describe('an agent whose peer falls silent', () => {
  it('sends its data by the relay, too, as soon as a probe stays unanswered', () => {
    const { agent, sent, out, receive } = world();
    const direct = udpPath(near);
    agent.setRelay(relay, instant(0));
    agent.setRemoteCandidates([{ kind: 'host', endpoint: near }], instant(0), out);
    agent.start(instant(0), out);
    const probe = sent.find(({ path }) => path === formatPath(direct))!;
    receive(encodeProbeResponse(nodeCrypto, remoteKeys, probe.message.transactionId, direct, NO_DATA), direct, 20);
    for (const at of [3000, 3100, 3200]) {
      agent.handleTimeout(instant(at), out);
      agent.trafficReceived(direct, instant(at));
    }
    agent.handleTimeout(instant(4400), out);
    expect(agent.duplicatePath).toBeUndefined();
    agent.handleTimeout(instant(4800), out);
    expect(agent.duplicatePath).toEqual(relay);
  });
});

describe('a call by the control server', () => {
  const callsOf = (found: readonly PathEvent[]) => found.filter(({ kind }) => kind === 'call-by-control');

  it('is made where there is no relay, as often as the peer would listen', () => {
    const { agent, sent, out, events } = world();
    for (let i = 0; i < 10; i++) {
      agent.start(instant(i), out);
      agent.stop(instant(i));
    }
    expect(callsOf(events())).toHaveLength(4);
    expect(sent).toEqual([]);
  });

  it.each([
    ['is made where the relay does not answer for a second', false, 1],
    ['is not made where the relay answers', true, 0],
  ])('%s', (_, isAnswered, count) => {
    const { agent, sent, out, events, receive } = world();
    agent.setRelay(relay, instant(0));
    agent.start(instant(0), out);
    const probe = sent.find(({ kind }) => kind === 'request')!;
    if (isAnswered) {
      receive(encodeProbeResponse(nodeCrypto, remoteKeys, probe.message.transactionId, relay, NO_DATA), relay, 200);
    }
    for (let now = 0; now < 5000; now += 50) {
      agent.handleTimeout(instant(now), out);
      if (now < 1000) expect(callsOf(events())).toEqual([]);
    }
    expect(callsOf(events())).toHaveLength(count);
  });

  it('starts a search for the candidates that it names, which calls back', () => {
    const { agent, sent, out, events } = world();
    const call = callOf(1n);
    expect(agent.handleCall(decoded(call), call, instant(0), out)).toEqual({ ok: true });
    expect(sent.map(({ path, kind }) => [path, kind])).toEqual([[formatPath(udpPath(near)), 'request']]);
    expect(events().map(({ kind }) => kind)).toEqual(['search-started', 'call-by-control']);
    expect(agent.handleCall(decoded(call), call, instant(0), out)).toEqual({ ok: false, reason: 'replayed-counter' });
  });

  it('is the only thing that counts from there', () => {
    const { agent, sent, out } = world();
    const request = encodeProbeRequest(nodeCrypto, remoteKeys, new Uint8Array(12), 1n);
    expect(agent.handleCall(decoded(request), request, instant(0), out)).toEqual({ ok: false, reason: 'not-a-probe' });
    const genuine = callOf(2n);
    const forged = genuine.with(60, genuine[60]! ^ 1);
    expect(agent.handleCall(decoded(genuine), forged, instant(0), out)).toEqual({ ok: false, reason: 'bad-integrity' });
    expect(sent).toEqual([]);
  });
});

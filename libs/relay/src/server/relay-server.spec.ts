import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import {
  concatBytes,
  endpoint,
  formatEndpoint,
  instant,
  parseIpAddress,
  publicKeyFromBytes,
} from '@shadownet/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameType } from '../frame.js';
import { decodeChallenge, encodeConnect, encodeHello } from '../handshake-frames.js';
import { initiation, seeded, transport } from '../payloads.contract.js';
import { deriveStaticKeys } from '../session-keys.js';
import { type SimulatedClient, type SimulatedRelay, SimulatedRelays } from '../simulated-relays.js';
import { DEFAULT_RELAY_LIMITS } from './relay-server.js';

const STRANGER = endpoint(parseIpAddress('203.0.113.99')!, 5555);

describe('what a stranger sends to the relay', () => {
  it('gets no answer and leaves no state, unless it is a hello', () => {
    const { world, relay } = setUp();
    const type = fc.oneof(fc.integer({ min: 0xd1, max: 0xdf }), fc.nat(0xff));
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 300, size: 'max' }), (first, rest) => {
        fc.pre(first !== FrameType.hello);
        const sent = answersTo(world, relay, concatBytes(Uint8Array.of(first), rest));
        expect(sent).toEqual([]);
      }),
      { numRuns: 500 },
    );
    expect(relay.server!.clients).toBe(0);
    expect(relay.server!.pollTimeout()).toBeUndefined();
  });

  it('is answered, if a hello, by less than it sent, at a limited rate, and nothing is kept', () => {
    const { world, relay } = setUp();
    let answers = 0;
    for (let i = 0; i < 1500; i++) {
      for (const answer of answersTo(world, relay, encodeHello(world.random(16)))) {
        expect(answer.length).toBeLessThan(encodeHello(world.random(16)).length);
        answers++;
      }
    }
    expect(answers).toBe(2 * DEFAULT_RELAY_LIMITS.hellosPerSource);
    expect(relay.server!.pollTimeout()).toBeUndefined();
  });

  it('counts for nothing where it was recorded: no replay is forwarded or answered, from the same address or another', () => {
    const { world, relay, a, b } = connected();
    for (let i = 0; i < 5; i++) a.send('home', b, transport(64, i));
    world.run(100);
    const recorded = world.wire
      .filter(({ bytes }) => bytes[0]! >= FrameType.data)
      .map(({ bytes, from }) => ({ bytes, from }));
    const { forwardedFrames } = relay.server!.counters;
    for (const { bytes, from } of recorded) {
      expect(answersTo(world, relay, bytes.slice(), from)).toEqual([]);
      expect(answersTo(world, relay, bytes.slice(), STRANGER)).toEqual([]);
    }
    expect(recorded.length).toBeGreaterThan(10);
    expect(relay.server!.counters.forwardedFrames).toBe(forwardedFrames);
  });

  it('is refused when it is the relay’s own frames, reflected from the client’s address', () => {
    const { world, relay, a, b } = connected();
    b.send('home', a, transport(64));
    world.run(100);
    const own = world.wire.filter(({ from, bytes }) => from === relay.endpoint && bytes[0]! >= FrameType.data);
    const before = relay.server!.counters.dropped['bad-tag'];
    for (const { bytes, to } of own) expect(answersTo(world, relay, bytes.slice(), to)).toEqual([]);
    expect(own.length).toBeGreaterThan(3);
    expect(relay.server!.counters.dropped['bad-tag']).toBe(before + own.length);
  });

  it('never passes with any bit of a frame changed', () => {
    const { world, relay, a, b } = connected();
    world.loses = (bytes) => bytes[0] === FrameType.data;
    const lost: Uint8Array[] = [];
    const { loses } = world;
    world.loses = (bytes) => loses(bytes) && lost.push(bytes.slice()) > 0;
    a.send('home', b, transport(80));
    const [frame] = lost;
    for (let bit = 0; bit < 8 * frame!.length; bit++) {
      const changed = frame!.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(answersTo(world, relay, changed, a.endpoint)).toEqual([]);
    }
    for (const other of [frame!.subarray(0, 79), concatBytes(frame!, Uint8Array.of(0))]) {
      expect(answersTo(world, relay, other.slice(), a.endpoint)).toEqual([]);
    }
    expect(answersTo(world, relay, frame!.slice(), a.endpoint)).toHaveLength(1);
  });
});

describe('a connect', () => {
  it('that is repeated gets the same answer; from another address or too late, none', () => {
    const { world, relay } = setUp();
    const client = newKeys(world, relay);
    const challenge = challengeOf(world, relay);
    const connect = encodeConnect(nodeCrypto, client.keys, client.ephemeral(), challenge, new Uint8Array(0));
    const [accept] = answersTo(world, relay, connect.slice());
    expect(accept!.length).toBeLessThan(connect.length);
    expect(answersTo(world, relay, connect.slice())).toEqual([accept]);
    expect(relay.server!.counters.accepted).toBe(1);
    expect(answersTo(world, relay, connect.slice(), endpoint(STRANGER.address, 5556))).toEqual([]);
    world.now = instant(world.now + 10_001);
    expect(answersTo(world, relay, connect.slice())).toEqual([]);
    expect(relay.server!.clients).toBe(0);
  });

  it('for somebody else’s key, or to another relay, is not believed', () => {
    const { world, relay } = setUp();
    const victim = newKeys(world, relay);
    const liar = newKeys(world, relay);
    const asVictim = { ...liar.keys, client: victim.keys.client };
    const forged = encodeConnect(nodeCrypto, asVictim, liar.ephemeral(), challengeOf(world, relay), new Uint8Array(0));
    expect(answersTo(world, relay, forged)).toEqual([]);
    expect(relay.server!.counters.dropped['bad-proof']).toBe(1);

    const elsewhere = newKeys(world, world.addRelay('other'));
    const toOther = encodeConnect(
      nodeCrypto,
      elsewhere.keys,
      liar.ephemeral(),
      challengeOf(world, relay),
      new Uint8Array(0),
    );
    expect(answersTo(world, relay, toOther)).toEqual([]);
    expect(relay.server!.counters.dropped['bad-identity']).toBe(1);
  });

  it('that is replayed from the client’s address neither ends nor diverts its session', () => {
    const { world, relay, a, b } = connected();
    const connects = world.wire.filter(({ bytes }) => bytes[0] === FrameType.connect);
    for (const { bytes, from } of connects) world.deliver(relay, bytes.slice(), from);
    a.send('home', b, transport(64, 5));
    world.run(100);
    expect(b.received.at(-1)?.bytes[40]).toBe(5);
    expect(relay.server!.counters.confirmed).toBe(2);
    world.run(11_000);
    expect(relay.server!.clients).toBe(2);
  });

  it('does not tell a watcher who connects', () => {
    const { world, a } = connected();
    const sent = world.wire.filter(({ bytes }) => bytes[0]! < FrameType.data).map(({ bytes }) => bytes);
    expect(sent.length).toBeGreaterThan(3);
    expect(Buffer.concat(sent).includes(Buffer.from(a.publicKey))).toBe(false);
  });

  it('is refused with the reason when the key is proved but not admitted', () => {
    const world = new SimulatedRelays(seeded(21), { admit: () => ({ ok: false, reason: 'unknown-key' }) });
    const relay = world.addRelay('home');
    const client = world.addClient();
    world.know(client);
    world.run(1000);
    expect(client.client.status()[0]).toMatchObject({ state: 'waiting', lastFailure: 'unknown-key' });
    expect(relay.server!.clients).toBe(0);
  });

  it('finds no place on a relay that is full, and those who have one keep it', () => {
    const world = new SimulatedRelays(seeded(22));
    const relay = world.addRelay('home', { limits: { maxSessions: 2 } });
    const [a, b, c] = [world.connectedClient(), world.connectedClient(), world.connectedClient()];
    expect(relay.server!.clients).toBe(2);
    expect(c.client.status()[0]?.lastFailure).toBe('relay-full');
    a.send('home', b, transport(64));
    world.run(100);
    expect(b.received).toHaveLength(1);
  });
});

describe('a client of the relay', () => {
  it('sends no more frames, bytes and signals than its limits', () => {
    const world = new SimulatedRelays(seeded(23));
    const relay = world.addRelay('home', {
      limits: {
        perClient: {
          frames: { perSecond: 100, burst: 20 },
          bytes: { perSecond: 1000, burst: 3000 },
          signals: { perSecond: 1, burst: 3 },
        },
      },
    });
    const [a, b] = [world.connectedClient(), world.connectedClient()];
    a.send('home', b, transport(32));
    world.run(5000);
    b.received.length = 0;
    for (let i = 0; i < 50; i++) a.send('home', b, transport(32));
    world.run(100);
    expect(b.received).toHaveLength(20);
    world.run(5000);
    for (let i = 0; i < 10; i++) a.send('home', b, transport(1000));
    world.run(100);
    expect(b.received).toHaveLength(23);
    for (let i = 0; i < 10; i++) a.client.sendSignal('home', b.publicKey, Uint8Array.of(i), world.now, a.out);
    world.run(100);
    expect(b.signals).toHaveLength(3);
    expect(relay.server!.counters.dropped['rate-limited']).toBe(30 + 7 + 7);
  });

  it('cannot make the relay send more than it sends: every answer is at most as long as what it answers', () => {
    const { world, relay, a, b } = connected();
    const before = world.wire.length;
    for (let i = 0; i < 30; i++) a.send('home', b, i % 2 ? initiation() : transport(32 + i));
    world.run(20_000);
    const fromRelay = world.wire
      .slice(before)
      .filter(({ from }) => formatEndpoint(from) === formatEndpoint(relay.endpoint));
    const toRelay = world.wire.slice(before).filter(({ to }) => formatEndpoint(to) === formatEndpoint(relay.endpoint));
    expect(bytesOf(fromRelay)).toBeLessThanOrEqual(bytesOf(toRelay));
  });
});

function setUp(): { world: SimulatedRelays; relay: SimulatedRelay } {
  const world = new SimulatedRelays(seeded(20));
  return { world, relay: world.addRelay('home') };
}

function connected(): { world: SimulatedRelays; relay: SimulatedRelay; a: SimulatedClient; b: SimulatedClient } {
  const { world, relay } = setUp();
  const [a, b] = [world.connectedClient(), world.connectedClient()];
  a.send('home', b, transport(64));
  world.run(200);
  return { world, relay, a, b };
}

function answersTo(world: SimulatedRelays, relay: SimulatedRelay, bytes: Uint8Array, from = STRANGER): Uint8Array[] {
  const sent: Uint8Array[] = [];
  const link = { kind: 'udp', id: formatEndpoint(from), endpoint: from } as const;
  relay.server!.handle(bytes, 0, bytes.length, link, world.now, {
    send: (answer, at, length) => sent.push(answer.slice(at, at + length)),
    close: () => {},
  });
  return sent;
}

function challengeOf(world: SimulatedRelays, relay: SimulatedRelay) {
  const [answer] = answersTo(world, relay, encodeHello(world.random(16)));
  return decodeChallenge(answer!)!;
}

function newKeys(world: SimulatedRelays, relay: SimulatedRelay) {
  const newKey = () => nodeCrypto.privateKey(generatePrivateKey(world.random));
  const key = newKey();
  const relayKey = relay.description.publicKey;
  const keys = deriveStaticKeys(nodeCrypto, key.sharedSecret(relayKey)!, publicKeyFromBytes(key.publicKey)!, relayKey);
  return { keys, ephemeral: newKey };
}

function bytesOf(sent: readonly { readonly bytes: Uint8Array }[]): number {
  return sent.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

// What RFC 5780 adds to the STUN server, and the second answer: who gets what, from where, and how little of it.

import { createHmac } from 'node:crypto';
import {
  encodeUtf8,
  type Endpoint,
  formatEndpoint,
  instant,
  milliseconds,
  minutes,
  parseEndpoint,
} from '@shadownet/primitives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LONGEST_ANSWER_AGAIN } from './answer-again.js';
import { BindingServer, MAX_ANSWER_BYTES } from './binding-server.js';
import { decodeStunMessage } from './decoder.js';
import { encodeStunMessage, type StunMessageContent } from './encoder.js';
import type { ServerSocket } from './server-sockets.js';
import { findAttribute, type StunContentAttribute, type StunMessage } from './stun-message.js';

const at = (text: string): Endpoint => parseEndpoint(text)!;
const client = at('198.51.100.7:40000');
const hmac = (key: Uint8Array, input: Uint8Array) => createHmac('sha256', key).update(input).digest();
const KEY = encodeUtf8('a key of thirty-two bytes or so.');
const ID = encodeUtf8('sixteen byte id.');

const socketAt = (host: ServerSocket['host'], text: string): ServerSocket => ({
  host,
  port: at(text).port,
  endpoint: at(text),
});
const FOUR_SOCKETS = [
  socketAt('primary', '203.0.113.10:3478'),
  socketAt('primary', '203.0.113.10:3479'),
  socketAt('alternate', '203.0.113.11:3478'),
  socketAt('alternate', '203.0.113.11:3479'),
];
const TWO_NAMELESS: ServerSocket[] = [
  { host: 'primary', port: 3478 },
  { host: 'primary', port: 3479 },
];

interface Sent {
  readonly bytes: Uint8Array;
  readonly message: StunMessage;
  readonly to: Endpoint;
  readonly socket: number;
}

class ServerInTest {
  readonly sent: Sent[] = [];
  readonly server: BindingServer;

  constructor(sockets: readonly ServerSocket[], maxPerSourcePerSecond = 1000) {
    const keyOf = (id: Uint8Array) => (hmac(ID, id).equals(hmac(ID, ID)) ? KEY : undefined);
    this.server = new BindingServer({ maxPerSourcePerSecond, sockets, answerAgain: { keyOf, hmac } });
  }

  get counters() {
    return this.server.counters;
  }

  /** What the request makes the server send at once. */
  ask(content: Partial<StunMessageContent>, { from = client, socket = 0, at: now = 0 } = {}): Sent[] {
    const transactionId = new Uint8Array(12).fill(7);
    const datagram = encodeStunMessage({ class: 'request', transactionId, fingerprint: false, ...content });
    return this.#collect((out) => this.server.handleDatagram(datagram, from, socket, instant(now), out));
  }

  wakeAt(now: number): Sent[] {
    return this.#collect((out) => this.server.handleTimeout(instant(now), out));
  }

  #collect(run: (out: { datagram(bytes: Uint8Array, to: Endpoint, socket: number): void }) => void): Sent[] {
    const sent: Sent[] = [];
    run({
      datagram: (bytes, to, socket) => {
        const decoded = decodeStunMessage(bytes);
        if (!decoded.ok) throw new Error(decoded.reason);
        sent.push({ bytes, message: decoded.message, to, socket });
      },
    });
    return sent;
  }
}

const change = (address: boolean, port: boolean): StunContentAttribute[] => [
  { kind: 'change-request', address, port },
  { kind: 'probe-padding', length: 40 },
];

describe('a STUN server with two addresses and two ports', () => {
  it('says where it answers from, and where else it would', () => {
    const subject = new ServerInTest(FOUR_SOCKETS);
    for (const [socket, origin, other] of [
      [0, '203.0.113.10:3478', '203.0.113.11:3479'],
      [1, '203.0.113.10:3479', '203.0.113.11:3478'],
      [2, '203.0.113.11:3478', '203.0.113.10:3479'],
      [3, '203.0.113.11:3479', '203.0.113.10:3478'],
    ] as const) {
      const [answer] = subject.ask({}, { socket });
      expect(answer!.socket).toBe(socket);
      expect(formatEndpoint(findAttribute(answer!.message, 'response-origin')!.endpoint)).toBe(origin);
      expect(formatEndpoint(findAttribute(answer!.message, 'other-address')!.endpoint)).toBe(other);
    }
  });

  it.each([
    [true, true, 3],
    [false, true, 1],
    [true, false, 2],
    [false, false, 0],
  ])('changes address: %s, port: %s, when asked to', (address, port, expected) => {
    const [answer, ...more] = new ServerInTest(FOUR_SOCKETS).ask({ attributes: change(address, port) });
    expect(more).toEqual([]);
    expect(answer).toMatchObject({ socket: expected, to: client });
    expect(findAttribute(answer!.message, 'response-origin')!.endpoint).toEqual(FOUR_SOCKETS[expected]!.endpoint);
  });

  it('changes the port with one address, and refuses to change what it has not', () => {
    const subject = new ServerInTest(TWO_NAMELESS);
    expect(subject.ask({ attributes: change(false, true) })[0]).toMatchObject({ socket: 1 });
    const [refusal] = subject.ask({ attributes: change(true, false) });
    expect(refusal!.socket).toBe(0);
    expect(findAttribute(refusal!.message, 'error-code')!.code).toBe(420);
    expect(findAttribute(subject.ask({})[0]!.message, 'other-address')).toBeUndefined();
  });

  it('never answers from elsewhere with more bytes than it was sent', () => {
    const subject = new ServerInTest(FOUR_SOCKETS);
    for (const from of [client, at('[2001:db8::7]:40000')]) {
      for (let padding = 0; padding < 80; padding++) {
        const attributes: StunContentAttribute[] = [
          { kind: 'change-request', address: true, port: true },
          { kind: 'probe-padding', length: padding },
        ];
        const requestBytes = 20 + 8 + 4 + ((padding + 3) & ~3);
        const [answer] = subject.ask({ attributes }, { from });
        if (answer!.message.class === 'error') expect(answer!.socket).toBe(0);
        else expect(answer!.bytes.length).toBeLessThanOrEqual(requestBytes);
      }
      expect(subject.ask({ attributes: change(true, true) }, { from })[0]!.message.class).toBe('success');
    }
  });

  it('counts one source once for all its sockets', () => {
    const subject = new ServerInTest(FOUR_SOCKETS, 5);
    let answers = 0;
    for (let i = 0; i < 100; i++) answers += subject.ask({ attributes: change(true, true) }, { socket: i % 4 }).length;
    expect(answers).toBe(10);
  });

  it('sends at most 100 bytes, to the sender only, whatever is asked', () => {
    const attribute = fc.oneof(
      fc.record({ kind: fc.constant('change-request' as const), address: fc.boolean(), port: fc.boolean() }),
      fc.record({ kind: fc.constant('probe-padding' as const), length: fc.integer({ min: 0, max: 200 }) }),
      fc.record({
        kind: fc.constant('answer-again' as const),
        after: fc.integer({ min: 0, max: 0xffffffff }).map(milliseconds),
      }),
      fc.constant({ kind: 'username' as const, value: ID }),
      fc.constantFrom(client, at('[2001:db8::7]:40000')).map((endpoint) => ({
        kind: 'xor-mapped-address' as const,
        endpoint,
      })),
    );
    fc.assert(
      fc.property(
        fc.array(attribute, { maxLength: 6 }),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(client, at('[2001:db8::7]:40000')),
        fc.nat({ max: 3 }),
        (attributes, fingerprint, signed, from, socket) => {
          const subject = new ServerInTest(FOUR_SOCKETS);
          const integrity = signed ? { integrity: { key: KEY, hmac } } : {};
          const sent = subject.ask({ attributes, fingerprint, ...integrity }, { from, socket });
          sent.push(...subject.wakeAt(LONGEST_ANSWER_AGAIN));
          expect(sent.length).toBeLessThanOrEqual(2);
          for (const { bytes, to } of sent) {
            expect(bytes.length).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
            expect(to).toEqual(from);
          }
        },
      ),
    );
  });
});

const againIn = (after: number, seenAs: Endpoint = client): StunContentAttribute[] => [
  { kind: 'username', value: ID },
  { kind: 'xor-mapped-address', endpoint: seenAs },
  { kind: 'answer-again', after: milliseconds(after) },
];
const signed = { integrity: { key: KEY, hmac } };

describe('the second answer', () => {
  it.each(['198.51.100.7:40000', '[2001:db8::7]:40000'])('goes to %s when it is due, from the same socket', (text) => {
    const subject = new ServerInTest(FOUR_SOCKETS);
    const from = at(text);
    const attributes = againIn(30_000, from);
    const [first] = subject.ask({ attributes, ...signed }, { from, socket: 1, at: 1000 });
    expect(findAttribute(first!.message, 'answer-again')!.after).toBe(30_000);
    expect(subject.server.pollTimeout()).toMatchObject({ at: 31_000 });
    expect(subject.wakeAt(30_999)).toEqual([]);

    const [second, ...more] = subject.wakeAt(31_000);
    expect(more).toEqual([]);
    expect(second).toMatchObject({ to: from, socket: 1 });
    expect(second!.message.transactionId).toEqual(first!.message.transactionId);
    expect(findAttribute(second!.message, 'answer-again')!.after).toBe(0);
    const requestBytes = encodeStunMessage({
      ...{ class: 'request', transactionId: new Uint8Array(12), attributes, fingerprint: false },
      ...signed,
    }).length;
    expect(first!.bytes.length + second!.bytes.length).toBeLessThanOrEqual(requestBytes);
    expect(subject.wakeAt(10 * LONGEST_ANSWER_AGAIN)).toEqual([]);
    expect(subject.counters).toMatchObject({ answered: 1, answeredAgain: 1, notAnsweredAgain: 0 });
  });

  it.each<[string, Partial<StunMessageContent>]>([
    ['is not signed', { attributes: againIn(1000) }],
    ['is signed with another key', { attributes: againIn(1000), integrity: { key: ID, hmac } }],
    ['names no key', { attributes: againIn(1000).slice(1), ...signed }],
    ['names an unknown key', { attributes: [{ kind: 'username', value: KEY }, ...againIn(1000).slice(1)], ...signed }],
    ['was made for another source', { attributes: againIn(1000, at('198.51.100.7:40001')), ...signed }],
    ['does not say its source', { attributes: [againIn(1000)[0]!, againIn(1000)[2]!], ...signed }],
    ['asks for more than five minutes', { attributes: againIn(minutes(5) + 1), ...signed }],
    ['asks for none', { attributes: againIn(0), ...signed }],
  ])('does not come for a request that %s: it gets the first one only', (_what, content) => {
    const subject = new ServerInTest(FOUR_SOCKETS);
    const [first] = subject.ask(content);
    expect(first!.message.class).toBe('success');
    expect(findAttribute(first!.message, 'answer-again')).toBeUndefined();
    expect(subject.wakeAt(10 * LONGEST_ANSWER_AGAIN)).toEqual([]);
    expect(subject.counters.notAnsweredAgain).toBe(1);
  });

  it('does not come for a request that is shorter than both answers', () => {
    const server = new BindingServer({
      ...{ maxPerSourcePerSecond: 100, sockets: FOUR_SOCKETS },
      answerAgain: { keyOf: () => KEY, hmac },
    });
    const from = at('[2001:db8::7]:40000');
    const granted = (idBytes: number): boolean => {
      const attributes = againIn(1000, from);
      attributes[0] = { kind: 'username', value: new Uint8Array(idBytes) };
      const transactionId = new Uint8Array(12).fill(idBytes);
      const request = encodeStunMessage({ class: 'request', transactionId, attributes, fingerprint: false, ...signed });
      const answer = decodeStunMessage(server.answer(request, from, instant(0))!);
      return answer.ok && findAttribute(answer.message, 'answer-again') !== undefined;
    };
    expect(granted(16)).toBe(true);
    expect(granted(0)).toBe(false);
  });

  it('comes once for a request that is sent again', () => {
    const subject = new ServerInTest(FOUR_SOCKETS);
    for (let i = 0; i < 5; i++) subject.ask({ attributes: againIn(5000), ...signed });
    expect(subject.wakeAt(5000)).toHaveLength(1);
  });

  it('is owed to at most 16 requests of one key, wherever they come from, and to all again afterwards', () => {
    const subject = new ServerInTest(FOUR_SOCKETS);
    const askAll = (now: number): number => {
      let granted = 0;
      for (let i = 0; i < 100; i++) {
        const from = at(`192.0.2.${i + 1}:40000`);
        const [first] = subject.ask({ attributes: againIn(5000, from), ...signed }, { from, at: now });
        if (findAttribute(first!.message, 'answer-again')) granted += 1;
      }
      return granted;
    };
    expect(askAll(0)).toBe(16);
    expect(subject.wakeAt(5000)).toHaveLength(16);
    expect(askAll(6000)).toBe(16);
  });

  it('is owed to at most 32 requests of one source, whatever keys sign them', () => {
    const server = new BindingServer({
      ...{ maxPerSourcePerSecond: 1000, sockets: FOUR_SOCKETS },
      answerAgain: { keyOf: () => KEY, hmac },
    });
    let granted = 0;
    for (let i = 1; i <= 100; i++) {
      const from = at(`192.0.2.1:${i}`);
      const attributes = againIn(1000, from);
      attributes[0] = { kind: 'username', value: new Uint8Array(16).fill(i) };
      const transactionId = new Uint8Array(12).fill(i);
      const request = encodeStunMessage({ class: 'request', transactionId, attributes, fingerprint: false, ...signed });
      const answer = decodeStunMessage(server.answer(request, from, instant(0))!);
      if (answer.ok && findAttribute(answer.message, 'answer-again')) granted += 1;
    }
    expect(granted).toBe(32);
  });

  it('comes in the order in which they are due', () => {
    const subject = new ServerInTest(FOUR_SOCKETS);
    for (const ms of [5000, 1000, 3000]) {
      const from = at(`192.0.2.1:${ms}`);
      subject.ask({ attributes: againIn(ms, from), ...signed }, { from });
    }
    const ports = [1000, 3000, 5000].map((ms) => subject.wakeAt(ms).map(({ to }) => to.port));
    expect(ports).toEqual([[1000], [3000], [5000]]);
  });
});

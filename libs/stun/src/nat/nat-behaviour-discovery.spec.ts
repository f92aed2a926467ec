// What the NAT tests believe, and whom they send to: answers from the wrong place, servers that lie, servers that refuse.

import { type Endpoint, formatEndpoint, instant, parseEndpoint } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { decodeStunMessage } from '../decoder.js';
import { encodeStunMessage } from '../encoder.js';
import { findAttribute, type StunContentAttribute, type StunMessage } from '../stun-message.js';
import { NatBehaviourDiscovery } from './nat-behaviour-discovery.js';

const at = (text: string): Endpoint => parseEndpoint(text)!;
const SERVER = '203.0.113.10:3478';
const MAPPED: StunContentAttribute = { kind: 'xor-mapped-address', endpoint: at('203.0.113.21:4000') };

class DiscoveryInTest {
  readonly sent: { readonly to: string; readonly socket: number; readonly message: StunMessage }[] = [];
  readonly discovery: NatBehaviourDiscovery;
  #seed = 0;

  constructor(changesPort = false) {
    this.discovery = new NatBehaviourDiscovery({
      random: (length) => new Uint8Array(length).fill(++this.#seed),
      servers: [{ endpoint: at(SERVER), changesPort }],
      localPorts: [4000, 4001, 4002, 4003],
    });
    this.discovery.start(instant(0), this.#out);
  }

  /** Sends an answer to the last request of that socket. */
  answer(socket: number, attributes: readonly StunContentAttribute[], from = SERVER, to = socket): boolean {
    const { transactionId } = this.sent.findLast((one) => one.socket === socket)!.message;
    const kind = attributes.some((attribute) => attribute.kind === 'error-code') ? 'error' : 'success';
    const datagram = encodeStunMessage({ class: kind, transactionId, attributes, fingerprint: false });
    return this.discovery.handleDatagram(datagram, at(from), to, instant(10), this.#out);
  }

  wakeAt(ms: number): void {
    this.discovery.handleTimeout(instant(ms), this.#out);
  }

  get destinations(): string[] {
    return [...new Set(this.sent.map(({ to }) => to))];
  }

  get kinds(): string[] {
    return this.discovery.samples.map(({ kind }) => kind);
  }

  readonly #out = {
    datagram: (bytes: Uint8Array, to: Endpoint, socket: number) => {
      const decoded = decodeStunMessage(bytes);
      if (!decoded.ok) throw new Error(decoded.reason);
      this.sent.push({ to: formatEndpoint(to), socket, message: decoded.message });
    },
  };
}

describe('NatBehaviourDiscovery', () => {
  it('takes answers from the server, at the socket that asked, and from nobody else', () => {
    const subject = new DiscoveryInTest();
    expect(subject.answer(0, [MAPPED], '203.0.113.10:3479')).toBe(false);
    expect(subject.answer(0, [MAPPED], '203.0.113.11:3478')).toBe(false);
    expect(subject.answer(0, [MAPPED], SERVER, 1)).toBe(false);
    expect(subject.discovery.samples).toEqual([]);
    expect(subject.answer(0, [MAPPED])).toBe(true);
    expect(subject.kinds).toEqual(['mapping']);
  });

  it.each(['192.168.1.5:3479', '127.0.0.1:3479', '224.0.0.1:3479', '[2001:db8::1]:3479', '203.0.113.10:3479'])(
    'asks nothing of %s though the server calls that its other address',
    (other) => {
      const subject = new DiscoveryInTest(true);
      subject.answer(0, [MAPPED, { kind: 'other-address', endpoint: at(other) }]);
      subject.answer(1, [MAPPED]);
      for (let ms = 10; ms < 8000; ms += 10) subject.wakeAt(ms);
      expect(subject.destinations).toEqual([SERVER]);
      expect(subject.discovery.finished).toBe(true);
    },
  );

  it('asks all four endpoints of a server with another address, once it knows the filter', () => {
    const subject = new DiscoveryInTest();
    subject.answer(0, [MAPPED, { kind: 'other-address', endpoint: at('203.0.113.11:3479') }]);
    expect(subject.destinations).toEqual([SERVER]);
    subject.answer(1, [MAPPED]);
    expect(subject.destinations).toEqual([SERVER]);
    for (let ms = 10; ms < 4000; ms += 10) subject.wakeAt(ms);
    expect(subject.destinations.sort()).toEqual([
      '203.0.113.10:3478',
      '203.0.113.10:3479',
      '203.0.113.11:3478',
      '203.0.113.11:3479',
    ]);
  });

  it('does not test the filter with a server that is not known to change its port', () => {
    const subject = new DiscoveryInTest();
    subject.answer(0, [MAPPED]);
    expect(subject.sent.some(({ message }) => findAttribute(message, 'change-request'))).toBe(false);
  });

  it.each([
    ['another port of the server', '203.0.113.10:3479', [MAPPED], 'received'],
    ['the server itself, with a refusal', SERVER, [{ kind: 'error-code', code: 420, phrase: '' }], undefined],
    ['the server itself, which did not understand', SERVER, [MAPPED], undefined],
    ['nowhere', undefined, [], 'silence'],
  ] as const)('judges the filter by an answer from %s', (_where, from, attributes, expected) => {
    const subject = new DiscoveryInTest(true);
    subject.answer(0, [MAPPED]);
    subject.answer(1, [MAPPED]);
    expect(findAttribute(subject.sent.at(-1)!.message, 'change-request')).toMatchObject({ address: false, port: true });
    if (from) expect(subject.answer(1, attributes, from)).toBe(true);
    for (let ms = 10; ms < 6000; ms += 10) subject.wakeAt(ms);
    const sample = subject.discovery.samples.find(({ kind }) => kind === 'filtering');
    expect(sample?.kind === 'filtering' ? sample.result : undefined).toBe(expected);
    expect(subject.discovery.finished).toBe(true);
  });

  it('sends each request four times at most', () => {
    const subject = new DiscoveryInTest();
    for (let ms = 0; ms < 60_000; ms += 10) subject.wakeAt(ms);
    expect(subject.sent).toHaveLength(4);
    expect(subject.kinds).toEqual(['no-mapping']);
    expect(subject.discovery.pollTimeout()).toBeUndefined();
  });
});

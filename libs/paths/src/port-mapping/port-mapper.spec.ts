// The mapper against routers of each kind; against the real miniupnpd in test/e2e/port-mapping.spec.ts.

import {
  decodeHex,
  encodeHex,
  type Endpoint,
  formatEndpoint,
  instant,
  minutes,
  parseEndpoint,
  parseIpAddress,
  seconds,
} from '@shadownet/primitives';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNatPmpResponse, encodeNatPmpMap } from './nat-pmp-message.js';
import { decodePcpResponse, encodePcpMap } from './pcp-message.js';
import { PortMapper, type PortMapperEvent } from './port-mapper.js';

const address = (text: string) => parseIpAddress(text)!;
const SERVER = parseEndpoint('192.168.1.1:5351')!;
const CLIENT = address('192.168.1.2');
const NONCE = decodeHex('0102030405060708090a0b0c')!;
const PORT = 43574;

const hex32 = (value: number): string => Math.floor(value).toString(16).padStart(8, '0');
const hex16 = (value: number): string => value.toString(16).padStart(4, '0');
const hexOf = (text: string): string => encodeHex(address(text).bytes);

/** A router on a clock that starts when it does. What it is asked comes as bytes, and it answers by the RFC's layout. */
class Router {
  readonly asked: string[] = [];
  epoch = 1000;
  external = '203.0.113.21';
  externalPort = PORT;
  lifetime = 3600;
  pcpResult = 0;

  constructor(readonly speaks: 'pcp' | 'nat-pmp' | 'nat-pmp-and-silence' | 'nothing') {}

  answer(request: string): string | undefined {
    this.asked.push(request);
    const isPcp = request.startsWith('02');
    if (this.speaks === 'nothing' || (isPcp && this.speaks === 'nat-pmp-and-silence')) return undefined;
    if (isPcp) {
      // RFC 6886 §3.5: version 0, opcode as it came, result 1.
      if (this.speaks === 'nat-pmp')
        return `00${(0x80 | parseInt(request.slice(2, 4), 16)).toString(16)}0001${hex32(this.epoch)}`;
      const head = `02${request.slice(2, 4) === '01' ? '81' : '80'}00${hex16(this.pcpResult).slice(2)}`;
      const lifetime = Math.min(parseInt(request.slice(8, 16), 16), this.lifetime);
      const rest = `${hex32(lifetime)}${hex32(this.epoch)}${'00'.repeat(12)}`;
      if (request.slice(2, 4) === '00') return head + rest;
      const externalHex = `${'00'.repeat(10)}ffff${hexOf(this.external)}`;
      return head + rest + request.slice(48, 48 + 36) + hex16(this.externalPort) + externalHex;
    }
    if (request === '0000') return `00800000${hex32(this.epoch)}${hexOf(this.external)}`;
    const lifetime = Math.min(parseInt(request.slice(16, 24), 16), this.lifetime);
    return `00810000${hex32(this.epoch)}${request.slice(8, 12)}${hex16(this.externalPort)}${hex32(lifetime)}`;
  }
}

class MapperInTest {
  readonly mapper = new PortMapper({
    ...{ gateway: SERVER.address, client: CLIENT, internalPort: PORT, nonce: NONCE },
  });
  readonly events: PortMapperEvent[] = [];
  now = 0;

  constructor(readonly router: Router) {
    this.mapper.start(instant(0), this.#out);
    this.#drain();
  }

  readonly #out = {
    datagram: (bytes: Uint8Array, to: Endpoint) => {
      expect(to).toEqual(SERVER);
      const answer = this.router.answer(encodeHex(bytes));
      if (answer !== undefined) this.#waiting.push(answer);
    },
  };
  readonly #waiting: string[] = [];

  hear(answer: string, from = SERVER): boolean {
    return this.mapper.handleDatagram(decodeHex(answer)!, from, instant(this.now), this.#out);
  }

  runUntil(end: number): void {
    for (;;) {
      const due = this.mapper.pollTimeout();
      if (!due || due.at > end) break;
      this.#advance(due.at);
      this.mapper.handleTimeout(instant(this.now), this.#out);
      this.#drain();
    }
    this.#advance(end);
  }

  release(): void {
    this.mapper.release(this.#out);
  }

  #advance(to: number): void {
    this.router.epoch += (to - this.now) / 1000;
    this.now = to;
  }

  #drain(): void {
    for (let answer = this.#waiting.shift(); answer !== undefined; answer = this.#waiting.shift()) this.hear(answer);
    for (let event = this.mapper.pollEvent(); event; event = this.mapper.pollEvent()) this.events.push(event);
  }

  get outcomes(): string[] {
    return this.events.map((event) =>
      event.kind === 'mapped'
        ? `${event.mapping.protocol} ${formatEndpoint(event.mapping.external)}`
        : `${event.kind}: ${event.reason}`,
    );
  }
}

describe('PCP and NAT-PMP messages', () => {
  it('ask in the layout of RFC 6887 §11.1', () => {
    const suggested = parseEndpoint('203.0.113.21:50000')!;
    const request = { client: CLIENT, nonce: NONCE, internalPort: PORT, suggested, lifetime: seconds(3600) };
    expect(encodeHex(encodePcpMap(request))).toBe(
      `0201000000000e10${'00'.repeat(10)}ffffc0a80102` +
        `0102030405060708090a0b0c11000000${hex16(PORT)}c350${'00'.repeat(10)}ffffcb007115`,
    );
    expect(encodeHex(encodePcpMap({ ...request, suggested: undefined })).slice(-36)).toBe(
      `0000${'00'.repeat(10)}ffff00000000`,
    );
  });

  it('ask in the layout of RFC 6886 §3.3', () => {
    expect(encodeHex(encodeNatPmpMap(PORT, 50000, seconds(3600)))).toBe(`00010000${hex16(PORT)}c35000000e10`);
  });

  it('are read from any bytes without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), fc.constantFrom(0, 2), (bytes, version) => {
        if (bytes.length > 1) bytes[0] = version;
        decodePcpResponse(bytes);
        decodeNatPmpResponse(bytes);
      }),
    );
  });
});

describe('PortMapper', () => {
  it.each([
    ['pcp', ['pcp 203.0.113.21:43574']],
    ['nat-pmp', ['nat-pmp 203.0.113.21:43574']],
    ['nat-pmp-and-silence', ['nat-pmp 203.0.113.21:43574']],
    ['nothing', ['unavailable: no-answer']],
  ] as const)('with a router that speaks %s', (speaks, outcomes) => {
    const subject = new MapperInTest(new Router(speaks));
    subject.runUntil(10_000);
    expect(subject.outcomes).toEqual(outcomes);
  });

  it('takes the port that the router gives', () => {
    const router = new Router('pcp');
    router.externalPort = 50_001;
    expect(new MapperInTest(router).outcomes).toEqual(['pcp 203.0.113.21:50001']);
  });

  it.each(['pcp', 'nat-pmp'] as const)('renews by %s at half of what is granted, and says nothing of it', (speaks) => {
    const router = new Router(speaks);
    router.lifetime = 50;
    const subject = new MapperInTest(router);
    router.asked.length = 0;
    subject.runUntil(24_000);
    expect(router.asked).toEqual([]);
    subject.runUntil(26_000);
    expect(router.asked.length).toBeGreaterThan(0);
    subject.runUntil(1_000_000);
    expect(subject.outcomes).toHaveLength(1);
  });

  it('asks as seldom as every 4 s of a router that grants next to nothing', () => {
    const router = new Router('pcp');
    router.lifetime = 1;
    const subject = new MapperInTest(router);
    subject.runUntil(60_000);
    expect(router.asked.length).toBeLessThan(60);
  });

  it.each(['pcp', 'nat-pmp'] as const)('asks again at once when a router that speaks %s has restarted', (speaks) => {
    const router = new Router(speaks);
    const subject = new MapperInTest(router);
    const isMapRequest = (request: string): boolean => request.startsWith('0201') || request.startsWith('0001');
    const before = router.asked.filter(isMapRequest).length;
    subject.runUntil(70_000);
    expect(subject.outcomes).toHaveLength(1);
    expect(router.asked.filter(isMapRequest)).toHaveLength(before);
    router.epoch = 3;
    router.externalPort = 50_002;
    subject.runUntil(125_000);
    expect(subject.outcomes[1]).toBe(`${speaks} 203.0.113.21:50002`);
  });

  it('keeps a mapping through silence until it expires, and not longer', () => {
    const router = new Router('pcp');
    router.lifetime = 200;
    const subject = new MapperInTest(router);
    const silent = new Router('nothing');
    router.answer = (request) => silent.answer(request);
    subject.runUntil(199_000);
    expect(subject.mapper.mapping).toBeDefined();
    subject.runUntil(220_000);
    expect(subject.outcomes.slice(1)).toEqual(['lost: expired', 'unavailable: no-answer']);
    expect(subject.mapper.mapping).toBeUndefined();
  });

  it('comes back after ten minutes to a router that had nothing to give', () => {
    const router = new Router('nothing');
    const subject = new MapperInTest(router);
    subject.runUntil(10_000);
    const open = new Router('pcp');
    router.answer = (request) => open.answer(request);
    subject.runUntil(minutes(11));
    expect(subject.outcomes).toEqual(['unavailable: no-answer', 'pcp 203.0.113.21:43574']);
  });

  it('gives a mapping back whose address is no public one', () => {
    const router = new Router('pcp');
    router.external = '100.64.0.2';
    const subject = new MapperInTest(router);
    expect(subject.outcomes).toEqual(['unavailable: address-not-public']);
    expect(router.asked.at(-1)).toMatch(/^0201000000000000/);
  });

  it('tries NAT-PMP when PCP refuses, and rests when both do', () => {
    const router = new Router('pcp');
    router.pcpResult = 2;
    expect(new MapperInTest(router).outcomes).toEqual(['nat-pmp 203.0.113.21:43574']);

    const strict = new Router('pcp');
    strict.pcpResult = 2;
    const inner = strict.answer.bind(strict);
    strict.answer = (request) => (request.startsWith('0001') ? `00810002${hex32(1)}` : inner(request));
    expect(new MapperInTest(strict).outcomes).toEqual(['unavailable: refused']);
  });

  it.each([
    ['pcp', new RegExp(`^0201000000000000.*${hex16(PORT)}`)],
    ['nat-pmp', new RegExp(`^00010000${hex16(PORT)}000000000000$`)],
  ] as const)('ends the mapping by %s when it is released, and is quiet then', (speaks, request) => {
    const router = new Router(speaks);
    const subject = new MapperInTest(router);
    router.asked.length = 0;
    subject.release();
    expect(router.asked).toHaveLength(1);
    expect(router.asked[0]).toMatch(request);
    expect(subject.mapper.pollTimeout()).toBeUndefined();
    subject.release();
    expect(router.asked).toHaveLength(1);
  });

  it('takes back also what it has asked for and not been granted yet', () => {
    const router = new Router('nothing');
    const subject = new MapperInTest(router);
    subject.release();
    expect(router.asked.at(-1)).toMatch(/^0201000000000000/);
    const resting = new MapperInTest(new Router('nothing'));
    resting.runUntil(10_000);
    const asked = resting.router.asked.length;
    resting.release();
    expect(resting.router.asked).toHaveLength(asked);
  });

  it('hears the gateway alone, and of the gateway only what answers', () => {
    const grant = new Router('pcp').answer(
      encodeHex(
        encodePcpMap({ client: CLIENT, nonce: NONCE, internalPort: PORT, suggested: undefined, lifetime: seconds(60) }),
      ),
    )!;
    const subject = new MapperInTest(new Router('nothing'));
    for (const from of ['192.168.1.3:5351', '192.168.1.1:5350', '203.0.113.1:5351']) {
      expect(subject.hear(grant, parseEndpoint(from)!)).toBe(false);
    }
    expect(subject.hear(grant.replace('0102030405060708', 'ffffffffffffffff'))).toBe(false);
    expect(subject.mapper.mapping).toBeUndefined();
    expect(subject.hear(grant)).toBe(true);
    expect(subject.mapper.mapping).toBeDefined();
    // Unasked, it changes nothing more.
    expect(subject.hear(grant.replace(hex16(PORT) + '00'.repeat(10), `0001${'00'.repeat(10)}`))).toBe(false);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IpAddress, ipAddressFromBytes, parseIpAddress } from './ip-address.js';
import { formatIpPrefix, type IpPrefix, ipPrefix, ipPrefixContains, parseIpPrefix } from './ip-prefix.js';

// Few different bytes, so that addresses often share long prefixes.
const byte = fc.constantFrom(0, 1, 0x0f, 0x10, 0x7f, 0x80, 0xff);
const address: fc.Arbitrary<IpAddress> = fc
  .constantFrom(4, 16)
  .chain((length) => fc.array(byte, { minLength: length, maxLength: length }))
  .map((bytes) => ipAddressFromBytes(Uint8Array.from(bytes)));
const prefix: fc.Arbitrary<IpPrefix> = address.chain((host) =>
  fc.nat(host.bytes.length * 8).map((length) => ipPrefix(host, length)),
);
/** An address and a prefix that is cut from it and then perhaps turned in one bit: near misses on both sides of the edge. */
const nearPair = address.chain((host) => {
  const bits = host.bytes.length * 8;
  return fc.tuple(fc.nat(bits), fc.option(fc.nat(bits - 1))).map(([length, turned]) => {
    const bytes = Uint8Array.from(host.bytes);
    if (turned !== null) bytes[turned >> 3]! ^= 0x80 >> (turned & 7);
    return [host, ipPrefix({ family: host.family, bytes }, length)] as const;
  });
});
const runs = { numRuns: 2000 };

describe('an IP prefix', () => {
  it('holds the addresses whose first bits are its own, by a model of bits in a string', () => {
    const holdsByModel = (outer: IpPrefix, host: IpAddress): boolean =>
      outer.address.family === host.family && bitsOf(host).startsWith(bitsOf(outer.address).slice(0, outer.length));
    fc.assert(
      fc.property(fc.oneof(nearPair, fc.tuple(address, prefix)), ([host, outer]) => {
        expect(ipPrefixContains(outer, host)).toBe(holdsByModel(outer, host));
      }),
      runs,
    );
  });

  it('clears the host bits', () => {
    fc.assert(
      fc.property(prefix, (cleared) => {
        expect(bitsOf(cleared.address).slice(cleared.length)).not.toContain('1');
      }),
    );
    expect(formatIpPrefix(parseIpPrefix('10.100.3.7/16')!)).toBe('10.100.0.0/16');
    expect(formatIpPrefix(parseIpPrefix('2001:db8::ffff/33')!)).toBe('2001:db8::/33');
  });

  it('does not change the address that it is made from', () => {
    const host = parseIpAddress('10.1.2.3')!;
    ipPrefix(host, 8);
    expect([...host.bytes]).toEqual([10, 1, 2, 3]);
  });

  it('reads back from its text', () => {
    fc.assert(fc.property(prefix, (any) => void expect(parseIpPrefix(formatIpPrefix(any))).toEqual(any)));
  });

  it('is a single host without a length', () => {
    expect(formatIpPrefix(parseIpPrefix('10.1.2.3')!)).toBe('10.1.2.3/32');
    expect(formatIpPrefix(parseIpPrefix('2001:db8::1')!)).toBe('2001:db8::1/128');
  });

  it.each(['', '/', '/8', '10.0.0.0/', '10.0.0.0/33', '::/129', '10.0.0.0/08', '10.0.0.0/-1', '10.0.0.0/8/8'])(
    'refuses %j',
    (text) => expect(parseIpPrefix(text)).toBeUndefined(),
  );

  it.each(['10.0.0.0/+8', '10.0.0.0/ 8', '10.0.0.0/8 ', '10.0.0/8', '10.0.0.0/255.0.0.0', '::ffff:1.2.3.4/128'])(
    'refuses %j',
    (text) => expect(parseIpPrefix(text)).toBeUndefined(),
  );

  it('throws on a length that its family does not have', () => {
    const host = parseIpAddress('10.0.0.0')!;
    for (const length of [-1, 33, 1.5, Number.NaN]) expect(() => ipPrefix(host, length)).toThrow(RangeError);
  });
});

function bitsOf(host: IpAddress): string {
  return [...host.bytes].map((each) => each.toString(2).padStart(8, '0')).join('');
}

import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatIpAddress,
  ipAddressFromBytes,
  type IpAddressScope,
  ipAddressesEqual,
  ipAddressScope,
  parseIpAddress,
} from './ip-address.js';

const v4Bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** Half of the bytes are zero, so that runs of zero groups of every length come up. */
const byteOrZero = fc.oneof(fc.constant(0), fc.nat(255));
const v6Bytes = fc
  .array(byteOrZero, { minLength: 16, maxLength: 16 })
  .map((bytes) => Uint8Array.from(bytes))
  .filter((bytes) => ipAddressFromBytes(bytes).family === 6);

describe('reading an IP address', () => {
  it('accepts what node:net accepts, and nothing else', () => {
    const fragment = fc.constantFrom(
      '0',
      '1',
      '9',
      'a',
      'F',
      '25',
      '255',
      '256',
      '01',
      'g',
      '.',
      ':',
      '::',
      '.0',
      ':1',
    );
    const nearly = fc.array(fragment, { maxLength: 17 }).map((parts) => parts.join(''));
    const valid = fc.oneof(fc.ipV4(), fc.ipV6());
    const damaged = fc
      .tuple(valid, fc.nat(), fc.constantFrom('', ':', '.', '::', '0', 'f', ' ', 'g', '1.2.3.4'))
      .map(([text, at, by]) => {
        const position = at % (text.length + 1);
        return text.slice(0, position) + by + text.slice(position + 1);
      });
    fc.assert(
      fc.property(fc.oneof(nearly, valid, damaged), (text) => {
        expect(parseIpAddress(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 5000 },
    );
  });

  it.each(['', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '12345::', '::g'])(
    'refuses %j',
    (text) => expect(parseIpAddress(text)).toBeUndefined(),
  );

  it.each(['1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.', ' 1.2.3.4', '1.2.3.4\n', '0x1.2.3.4', '16909060'])(
    'refuses %j, which inet_aton may take',
    (text) => expect(parseIpAddress(text)).toBeUndefined(),
  );

  it.each(['fe80::1%eth0', '[::1]', '1.2.3.4::', '::1.2.3.4:5', '::1.2.3', '::01.2.3.4'])('refuses %j', (text) => {
    expect(parseIpAddress(text)).toBeUndefined();
  });

  it('takes an IPv4-mapped address for the IPv4 address that it is', () => {
    for (const text of ['::ffff:1.2.3.4', '::FFFF:102:304', '0:0:0:0:0:ffff:1.2.3.4'])
      expect(parseIpAddress(text)).toEqual(parseIpAddress('1.2.3.4'));
    expect(parseIpAddress('::1.2.3.4')?.family).toBe(6);
    expect(parseIpAddress('::fffe:1.2.3.4')?.family).toBe(6);
  });
});

describe('an IP address from bytes', () => {
  it('is a copy', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const address = ipAddressFromBytes(bytes);
    bytes[0] = 9;
    expect(formatIpAddress(address)).toBe('1.2.3.4');
  });

  it('has 4 or 16 of them', () => {
    for (const length of [0, 3, 5, 15, 17])
      expect(() => ipAddressFromBytes(new Uint8Array(length))).toThrow(RangeError);
  });
});

describe('writing an IP address', () => {
  it('gives a text that reads back as the same address', () => {
    fc.assert(
      fc.property(fc.oneof(v4Bytes, v6Bytes), (bytes) => {
        const address = ipAddressFromBytes(bytes);
        const again = parseIpAddress(formatIpAddress(address))!;
        expect(ipAddressesEqual(again, address)).toBe(true);
        expect([...again.bytes]).toEqual([...bytes]);
      }),
    );
  });

  it('gives IPv6 the text that the URL standard gives it', () => {
    fc.assert(
      fc.property(v6Bytes, (bytes) => {
        const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
        const expected = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
        expect(formatIpAddress(ipAddressFromBytes(bytes))).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['2001:0DB8:0:0:0:0:0002:0001', '2001:db8::2:1', '§4.1, §4.3: no leading zeros, lower case'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', '§4.2.2: a single zero group is not shortened'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', '§4.2.3: the longest run is shortened'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', '§4.2.3: of two equal runs the first'],
    ['0:0:0:0:0:0:0:0', '::', 'all zero'],
    ['0:0:0:0:0:0:0:1', '::1', 'a run at the start'],
    ['1:0:0:0:0:0:0:0', '1::', 'a run at the end'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', 'a run of one that was shortened'],
  ])('turns %s into %s (RFC 5952 %s)', (text, canonical) => {
    expect(formatIpAddress(parseIpAddress(text)!)).toBe(canonical);
  });
});

describe('equality of IP addresses', () => {
  it('is that of their texts', () => {
    const few = fc.constantFrom('0.0.0.0', '0.0.0.1', '::', '::1', '1::', '::ffff:0.0.0.1', '1.0.0.0');
    fc.assert(
      fc.property(few, few, (a, b) => {
        const [left, right] = [parseIpAddress(a)!, parseIpAddress(b)!];
        expect(ipAddressesEqual(left, right)).toBe(formatIpAddress(left) === formatIpAddress(right));
      }),
    );
  });
});

describe('the scope of an IP address', () => {
  const scopes: [IpAddressScope, string[]][] = [
    ['unspecified', ['0.0.0.0', '::']],
    ['loopback', ['127.0.0.1', '127.255.255.255', '::1']],
    ['private', ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fdff::1']],
    ['shared', ['100.64.0.0', '100.127.255.255']],
    ['link-local', ['169.254.0.1', 'fe80::1', 'febf::1']],
    ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1']],
    ['reserved', ['0.0.0.1', '240.0.0.1', '255.255.255.255', '::2', 'fec0::1', '100::1', '4000::1']],
    [
      'global',
      ['1.1.1.1', '9.255.255.255', '11.0.0.0', '126.255.255.255', '128.0.0.0', '172.15.255.255', '172.32.0.0'],
    ],
    ['global', ['100.63.255.255', '100.128.0.0', '192.167.0.0', '192.169.0.0', '223.255.255.255', '203.0.113.21']],
    ['global', ['2001:db8::1', '2606:4700::1111', '3fff:ffff::1']],
  ];

  it.each(scopes.flatMap(([scope, texts]) => texts.map((text) => [scope, text] as const)))(
    'is %s for %s',
    (scope, text) => {
      expect(ipAddressScope(parseIpAddress(text)!)).toBe(scope);
    },
  );

  it('looks through IPv4-mapped addresses', () => {
    expect(ipAddressScope(parseIpAddress('::ffff:127.0.0.1')!)).toBe('loopback');
  });
});

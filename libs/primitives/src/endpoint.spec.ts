import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpoint, endpointsEqual, formatEndpoint, parseEndpoint } from './endpoint.js';
import { ipAddressFromBytes, parseIpAddress } from './ip-address.js';
import {
  formatPath,
  localAddressesEqual,
  pathsEqual,
  relayPath,
  remoteOf,
  type Path,
  udpPath,
  withoutLocalAddress,
} from './path.js';
import { publicKeyFromBytes } from './public-key.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyEndpoint = fc
  .tuple(fc.oneof(bytes(4), bytes(16)).map(ipAddressFromBytes), fc.integer({ min: 1, max: 0xffff }))
  .map(([address, port]) => endpoint(address, port));
const fewEndpoints = fc
  .tuple(fc.constantFrom('1.2.3.4', '1.2.3.5', '::1', '::ffff:1.2.3.4'), fc.constantFrom(1, 2))
  .map(([address, port]) => endpoint(parseIpAddress(address)!, port));

describe('an endpoint', () => {
  it('reads back from its text', () => {
    fc.assert(fc.property(anyEndpoint, (any) => void expect(parseEndpoint(formatEndpoint(any))).toEqual(any)));
  });

  it('writes IPv6 in brackets', () => {
    expect(formatEndpoint(endpoint(parseIpAddress('203.0.113.21')!, 51820))).toBe('203.0.113.21:51820');
    expect(formatEndpoint(endpoint(parseIpAddress('2001:DB8:0::1')!, 3478))).toBe('[2001:db8::1]:3478');
  });

  it('is equal to another exactly if the texts are', () => {
    fc.assert(
      fc.property(fewEndpoints, fewEndpoints, (a, b) => {
        expect(endpointsEqual(a, b)).toBe(formatEndpoint(a) === formatEndpoint(b));
      }),
    );
  });

  it('seen by a dual-stack socket is the IPv4 endpoint that it is', () => {
    expect(parseEndpoint('[::ffff:1.2.3.4]:51820')).toEqual(parseEndpoint('1.2.3.4:51820'));
  });

  it('has a zone if it is link-local, and only where zones are known', () => {
    const zoneNumber = (zone: string): number | undefined => ({ eth0: 7, '12': 12, none: 0 })[zone];
    const text = '[fe80::1%eth0]:51820';
    expect(parseEndpoint(text)).toBeUndefined();
    expect(parseEndpoint(text, zoneNumber)).toEqual(endpoint(parseIpAddress('fe80::1')!, 51820, 7));
    expect(formatEndpoint(parseEndpoint(text, zoneNumber)!)).toBe('[fe80::1%7]:51820');
    expect(endpointsEqual(parseEndpoint(text, zoneNumber)!, parseEndpoint('[fe80::1]:51820')!)).toBe(false);
    const refused = [
      '[fe80::1%eth1]:1',
      '[fe80::1%none]:1',
      '[2001:db8::1%eth0]:1',
      '169.254.0.1%eth0:1',
      '[fe80::1%]:1',
    ];
    for (const other of refused) expect(parseEndpoint(other, zoneNumber)).toBeUndefined();
  });

  it.each(['1.2.3.4', '1.2.3.4:', '1.2.3.4:0', '1.2.3.4:65536', '1.2.3.4:080', '1.2.3.4:+80', '1.2.3.4:8e1', ':80'])(
    'refuses %j',
    (text) => expect(parseEndpoint(text)).toBeUndefined(),
  );

  it.each([
    '::1:80',
    '[::1]',
    '[::1]80',
    '[1.2.3.4]:80',
    '[]:80',
    '[[::1]]:80',
    'host:80',
    ' 1.2.3.4:80',
    '1.2.3.4:80\n',
  ])('refuses %j', (text) => expect(parseEndpoint(text)).toBeUndefined());

  it('throws on a port that does not exist', () => {
    const address = parseIpAddress('1.2.3.4')!;
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) expect(() => endpoint(address, port)).toThrow(RangeError);
  });
});

describe('a path', () => {
  const anyPath: fc.Arbitrary<Path> = fc
    .tuple(fewEndpoints, fc.nat(2), fc.option(fewEndpoints, { nil: undefined }))
    .map(([remote, socket, local]) => ({ ...udpPath(remote, local?.address), socket }));

  it('goes by the one socket of the node unless another is named', () => {
    const path = udpPath(parseEndpoint('203.0.113.21:51820')!);
    expect(path.socket).toBe(0);
    expect(formatPath(path)).toBe('udp 203.0.113.21:51820');
    expect(formatPath({ ...path, socket: 3 })).toBe('udp#3 203.0.113.21:51820');
  });

  it('over a relay is one for each relay and peer', () => {
    const [alice, bob] = [1, 2].map((byte) => publicKeyFromBytes(new Uint8Array(32).fill(byte + 8))!);
    const path = relayPath('eu-1', alice!);
    expect(formatPath(path)).toBe('relay eu-1 CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=');
    expect(pathsEqual(path, relayPath('eu-1', alice!))).toBe(true);
    for (const other of [relayPath('eu-2', alice!), relayPath('eu-1', bob!), udpPath(parseEndpoint('192.0.2.1:1')!)]) {
      expect(pathsEqual(path, other) || pathsEqual(other, path)).toBe(false);
    }
    expect([remoteOf(path), withoutLocalAddress(path)]).toEqual([undefined, path]);
  });

  it('is the same from whichever address of ours', () => {
    const path = udpPath(parseEndpoint('203.0.113.21:51820')!);
    const [first, second] = ['192.0.2.1', '192.0.2.2'].map((text) => ({ ...path, local: parseIpAddress(text)! }));
    expect([pathsEqual(first!, second!), localAddressesEqual(first!, second!)]).toEqual([true, false]);
    expect([pathsEqual(first!, path), localAddressesEqual(first!, path)]).toEqual([true, false]);
    expect(localAddressesEqual(path, path)).toBe(true);
    expect(localAddressesEqual(first!, udpPath(path.remote, parseIpAddress('192.0.2.1')))).toBe(true);
    expect(formatPath(first!)).toBe(formatPath(path));
    expect(withoutLocalAddress(first!)).toEqual(path);
  });

  it('is equal to another exactly if the texts are, so the text serves as a map key', () => {
    fc.assert(
      fc.property(anyPath, anyPath, (a, b) => {
        expect(pathsEqual(a, b)).toBe(formatPath(a) === formatPath(b));
      }),
    );
  });
});

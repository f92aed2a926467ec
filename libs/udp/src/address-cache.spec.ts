import { networkInterfaces } from 'node:os';

import { parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';

import { AddressCache } from './address-cache.js';

describe('AddressCache', () => {
  it('reads IPv4-mapped addresses as IPv4', () => {
    const cache = new AddressCache(true);
    expect(cache.parse('::ffff:192.0.2.7')).toEqual({ address: parseIpAddress('192.0.2.7') });
    expect(cache.parse('not an address')).toBeUndefined();
  });

  it('reads and prints zones of interfaces that exist', ({ skip }) => {
    const cache = new AddressCache(true);
    expect(cache.parse('fe80::1%no-such-device')).toEqual({ address: parseIpAddress('fe80::1') });
    const linkLocal = Object.entries(networkInterfaces()).flatMap(([name, all = []]) =>
      all.flatMap((each) => (each.family === 'IPv6' && each.scopeid > 0 ? [{ name, zone: each.scopeid }] : [])),
    )[0];
    if (!linkLocal) return skip('no interface has a link-local address');
    const text = `fe80::1%${linkLocal.name}`;
    expect(cache.parse(text)).toEqual({ address: parseIpAddress('fe80::1'), zone: linkLocal.zone });
    expect(new AddressCache(true).print(cache.parse(text)!)).toBe(text);
  });

  it('gives the same value for the same text', () => {
    const cache = new AddressCache(false);
    expect(cache.parse('192.0.2.7')).toBe(cache.parse('192.0.2.7'));
  });

  it('prints IPv4 in mapped form for a dual-stack socket only', () => {
    const v4 = parseIpAddress('192.0.2.7')!;
    const v6 = parseIpAddress('2001:db8::7')!;
    expect(new AddressCache(true).print({ address: v4 })).toBe('::ffff:192.0.2.7');
    expect(new AddressCache(false).print({ address: v4 })).toBe('192.0.2.7');
    expect(new AddressCache(true).print({ address: v6 })).toBe('2001:db8::7');
  });

  it('stays bounded under a flood of forged sources, and still answers right', () => {
    const cache = new AddressCache(false);
    for (let i = 0; i < 10_000; i++) cache.parse(`10.0.${i >> 8}.${i & 0xff}`);
    expect(cache.size).toBe(1024);
    expect(cache.parse('10.0.0.1')).toEqual({ address: parseIpAddress('10.0.0.1') });
  });
});

import { parseEndpoint, parseIpPrefix } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { isUsableCandidate } from './candidate.js';

const overlay = [parseIpPrefix('10.100.0.0/16')!, parseIpPrefix('fd5a:d0e7::/48')!];

describe('isUsableCandidate', () => {
  it.each([
    '203.0.113.1:51820',
    '192.168.1.2:1',
    '100.64.0.1:65535',
    '169.254.1.1:9',
    '[2001:db8::1]:9',
    '[fd00::1]:9',
  ])('takes %s', (text) => expect(isUsableCandidate(parseEndpoint(text)!, overlay)).toBe(true));

  it.each([
    ['loopback', '127.0.0.1:9'],
    ['loopback', '[::1]:9'],
    ['multicast', '224.0.0.1:9'],
    ['multicast', '[ff02::1]:9'],
    ['unspecified', '0.0.0.0:9'],
    ['unspecified', '[::]:9'],
    ['broadcast', '255.255.255.255:9'],
    ['link-local IPv6', '[fe80::1]:9'],
    ['the overlay', '10.100.3.4:9'],
    ['the overlay', '[fd5a:d0e7::1]:9'],
    ['loopback as IPv6', '[::ffff:127.0.0.1]:9'],
  ])('refuses %s: %s', (_, text) => {
    expect(isUsableCandidate(parseEndpoint(text)!, overlay)).toBe(false);
  });

  it('refuses port 0', () => {
    expect(isUsableCandidate({ ...parseEndpoint('203.0.113.1:9')!, port: 0 }, [])).toBe(false);
  });
});

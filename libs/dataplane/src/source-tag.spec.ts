import { parseEndpoint, parseIpAddress } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';

import { readSourceTag, SOURCE_TAG_LENGTH, writeSourceTag } from './source-tag.js';

describe('the path in front of a datagram', () => {
  it.each([
    ['192.0.2.7:443', undefined],
    ['192.0.2.7:443', '198.51.100.1'],
    ['[2001:db8::7]:51820', '2001:db8::1'],
    ['[fe80::7%2147483647]:51820', 'fe80::1'],
  ])('comes out as it went in: %s to %s', (source, address) => {
    const from = parseEndpoint(source, Number)!;
    const local = address === undefined ? undefined : parseIpAddress(address);
    const message = new Uint8Array(SOURCE_TAG_LENGTH + 2).fill(9);
    writeSourceTag(message, from, local);
    expect(readSourceTag(message)).toEqual({ from, local, datagram: Uint8Array.of(9, 9) });
  });
});

import { parseEndpoint } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';

import { readSourceTag, SOURCE_TAG_LENGTH, writeSourceTag } from './source-tag.js';

describe('the source in front of a datagram', () => {
  it.each(['192.0.2.7:443', '[2001:db8::7]:51820'])('comes out as it went in: %s', (text) => {
    const message = new Uint8Array(SOURCE_TAG_LENGTH + 2).fill(9);
    writeSourceTag(message, parseEndpoint(text)!);
    expect(readSourceTag(message)).toEqual({ from: parseEndpoint(text), datagram: Uint8Array.of(9, 9) });
  });
});

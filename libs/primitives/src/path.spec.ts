import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpoint } from './endpoint.js';
import { ipAddressFromBytes } from './ip-address.js';
import { formatPath, type Path, pathKey, pathsEqual, relayPath, udpPath } from './path.js';
import { publicKeyFromBytes } from './public-key.js';

const byte = fc.constantFrom(1, 2, 255);
const address = fc
  .oneof(fc.tuple(byte, byte, byte, byte), fc.array(byte, { minLength: 16, maxLength: 16 }))
  .map((bytes) => ipAddressFromBytes(Uint8Array.from(bytes)));
const udp = fc
  .record({ address, port: fc.constantFrom(1, 255, 65_535), socket: fc.nat(1) })
  .map(({ address, port, socket }): Path => ({ ...udpPath(endpoint(address, port)), socket }));
const relay = fc
  .record({ name: fc.constantFrom('a', 'b'), key: fc.constantFrom(9, 10) })
  .map(({ name, key }) => relayPath(name, publicKeyFromBytes(new Uint8Array(32).fill(key))!));
const path: fc.Arbitrary<Path> = fc.oneof(udp, relay);

describe('paths', () => {
  it('have the same key and the same text if they are equal, and different ones if not', () => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        expect(pathKey(a) === pathKey(b)).toBe(pathsEqual(a, b));
        expect(formatPath(a) === formatPath(b)).toBe(pathsEqual(a, b));
      }),
      { numRuns: 2000 },
    );
  });
});

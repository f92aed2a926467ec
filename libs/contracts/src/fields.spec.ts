import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  candidatesSchema,
  endpointSchema,
  hostnameSchema,
  ipAddressSchema,
  ipPrefixSchema,
  nodeIdSchema,
  publicKeySchema,
} from './fields.js';

const key = Buffer.alloc(32, 9);
const highBitKey = Buffer.from(key);
highBitKey[31]! |= 0x80;

describe('fields', () => {
  it('gives every spelling of a public key, an id or an address its canonical form', () => {
    expect(publicKeySchema.parse(highBitKey.toString('base64'))).toBe(key.toString('base64'));
    expect(nodeIdSchema.parse('0F8FAD5B-D9CB-469F-A165-70867728950E')).toBe('0f8fad5b-d9cb-469f-a165-70867728950e');
    expect(ipAddressSchema.parse('2001:DB8:0::1')).toBe('2001:db8::1');
    expect(ipAddressSchema.parse('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(ipPrefixSchema.parse('10.100.3.4/16')).toBe('10.100.0.0/16');
    expect(endpointSchema.parse('[::ffff:192.0.2.1]:80')).toBe('192.0.2.1:80');
  });

  it.each([
    ['a key of low order', publicKeySchema, Buffer.alloc(32).toString('base64')],
    ['a short key', publicKeySchema, Buffer.alloc(31, 9).toString('base64')],
    ['a key in base64url', publicKeySchema, Buffer.alloc(32, 0xfb).toString('base64url')],
    ['an address with leading zeros', ipAddressSchema, '192.000.002.001'],
    ['a prefix that is too long', ipPrefixSchema, '10.0.0.0/33'],
    ['an endpoint without a port', endpointSchema, '192.0.2.1'],
    ['port 0', endpointSchema, '192.0.2.1:0'],
    ['a host name with a line break', hostnameSchema, 'a\nb'],
    ['an empty host name', hostnameSchema, ''],
    ['an id that is no UUID', nodeIdSchema, 'node-1'],
    ['17 candidates', candidatesSchema, Array.from({ length: 17 }, () => ({ kind: 'host', ip: '192.0.2.1', port: 1 }))],
  ])('refuses %s', (_, schema: z.ZodType, value) => {
    expect(schema.safeParse(value).success).toBe(false);
  });

  it('can be described as JSON schemas, for the API’s description', () => {
    const schema = z.object({ key: publicKeySchema, ip: ipAddressSchema.nullable() });
    expect(z.toJSONSchema(schema)).toMatchObject({ properties: { key: { type: 'string' } } });
  });
});

import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.js';

const BYTES = [211, 212, 213, 214];
/** The bytes in decimal, hexadecimal, base64, or their names as keys of an array. */
const LEAK = /21[1-4]|d3d4|09TV1g|Uint8Array/i;

describe('a secret', () => {
  const secret = Secret.copy(Uint8Array.from(BYTES));

  it.each<[string, () => string]>([
    ['a template', () => `${secret}`],
    ['a concatenation', () => 'key: ' + secret],
    ['String()', () => String(secret)],
    ['JSON', () => JSON.stringify({ secret, list: [secret] })],
    ['inspect', () => inspect(secret)],
    ['inspect of a parent', () => inspect({ deep: { er: [secret] } }, { depth: 9 })],
    ['inspect with everything shown', () => inspect(secret, { showHidden: true, customInspect: false, depth: 9 })],
    ['console formats', () => format('%s %o %O %j %d', secret, secret, secret, secret, secret)],
    ['its own keys', () => inspect([Reflect.ownKeys(secret), Object.entries(secret)])],
    ['a structured clone', () => inspect(structuredClone(secret))],
    ['an error that mentions it', () => inspect(new Error(`bad ${secret}`, { cause: secret }))],
  ])('does not print itself in %s', (_, print) => {
    expect(print()).not.toMatch(LEAK);
  });

  it('is recognisable where it is printed', () => {
    expect(`${secret} ${inspect(secret)} ${JSON.stringify(secret)}`).toBe('[secret] [secret] "[secret]"');
  });

  it('gives its bytes to whoever asks by name', () => {
    expect([...secret.expose()]).toEqual(BYTES);
    expect(secret.length).toBe(4);
  });

  it('zeroes the very array that it owns', () => {
    const bytes = Uint8Array.from(BYTES);
    Secret.own(bytes).zero();
    expect([...bytes]).toEqual([0, 0, 0, 0]);
  });

  it('leaves the array that it copied alone, and is not changed with it', () => {
    const bytes = Uint8Array.from(BYTES);
    const copy = Secret.copy(bytes);
    bytes.fill(1);
    expect([...copy.expose()]).toEqual(BYTES);
    copy.zero();
    expect([...copy.expose()]).toEqual([0, 0, 0, 0]);
    expect([...bytes]).toEqual([1, 1, 1, 1]);
  });
});

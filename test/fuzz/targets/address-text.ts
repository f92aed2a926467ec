// Addresses, prefixes, endpoints and keys as people and other programs write them: what is read is written in one way only.
import {
  encodePublicKey,
  formatEndpoint,
  formatIpAddress,
  formatIpPrefix,
  parseEndpoint,
  parseIpAddress,
  parseIpPrefix,
  parsePublicKey,
} from '@shadownet/primitives';
import type { FuzzTarget } from '../fuzz-target.js';

export const addressText: FuzzTarget = {
  name: 'address-text',
  inputs: 60_000,
  maxLength: 100,
  start() {
    return {
      examples: () => [],
      feed(input) {
        const text = new TextDecoder().decode(input);
        requireOneForm('address', text, parseIpAddress, formatIpAddress);
        requireOneForm('prefix', text, parseIpPrefix, formatIpPrefix);
        requireOneForm('endpoint', text, parseEndpoint, formatEndpoint);
        requireOneForm('public key', text, parsePublicKey, encodePublicKey);
      },
    };
  },
};

function requireOneForm<T>(
  what: string,
  text: string,
  parse: (text: string) => T | undefined,
  format: (value: T) => string,
): void {
  const value = parse(text);
  if (value === undefined) return;
  const canonical = format(value);
  const again = parse(canonical);
  if (again === undefined) throw new Error(`${what}: its own form is refused: ${canonical}`);
  if (format(again) !== canonical) throw new Error(`${what}: two forms: ${canonical} and ${format(again)}`);
}

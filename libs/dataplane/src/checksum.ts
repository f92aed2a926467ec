// The Internet checksum (RFC 1071) over many bytes at once. The sum is the same in any byte order but for a swap of the
// result (§2.B), so 32-bit little-endian words are added, as the machine reads them, and folded at the end.

/**
 * The sum of `length` bytes at `offset`, padded with zeros to whole words: to be added to others and folded. Less than 2^53
 * for anything that fits a packet.
 */
export function sumWords(view: DataView, offset: number, length: number): number {
  const end = offset + length;
  let at = offset;
  let even = 0;
  let odd = 0;
  for (const last = end - 31; at < last; at += 32) {
    even +=
      view.getUint32(at, true) +
      view.getUint32(at + 4, true) +
      (view.getUint32(at + 8, true) + view.getUint32(at + 12, true));
    odd +=
      view.getUint32(at + 16, true) +
      view.getUint32(at + 20, true) +
      (view.getUint32(at + 24, true) + view.getUint32(at + 28, true));
  }
  for (const last = end - 3; at < last; at += 4) even += view.getUint32(at, true);
  if (end - at >= 2) {
    odd += view.getUint16(at, true);
    at += 2;
    if (at < end) odd += view.getUint8(at) * 0x1_0000;
  } else if (at < end) odd += view.getUint8(at);
  return even + odd;
}

/** The 16-bit number in network order that a 16-bit field of this value adds to a sum. */
export function fieldSum(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

/** The folded sum, 0…0xffff, in network order. All ones over bytes whose checksum field is right. */
export function foldSum(sum: number): number {
  let folded = (sum % 0x1_0000_0000) + Math.floor(sum / 0x1_0000_0000);
  folded = (folded & 0xffff) + (folded >>> 16) + (folded > 0xffff_ffff ? 1 : 0);
  folded = (folded & 0xffff) + (folded >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ((folded & 0xff) << 8) | (folded >>> 8);
}

/** The checksum that stands for a sum: its complement. */
export function checksumOf(sum: number): number {
  return ~foldSum(sum) & 0xffff;
}

// FINGERPRINT (RFC 8489 §14.7): the CRC-32 of what precedes it, so that STUN can be told from other protocols on a port.

/** 4 bytes behind the attribute's own header of 4. */
export const FINGERPRINT_BYTES = 8;

const XOR_VALUE = 0x5354554e;

/** The value of a FINGERPRINT over `preceding`: the message up to it, whose length field already counts it. */
export function fingerprintOf(preceding: Uint8Array): number {
  return (crc32(preceding) ^ XOR_VALUE) >>> 0;
}

/** CRC-32 of ITU V.42: polynomial 0x04C11DB7, bit-reversed. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

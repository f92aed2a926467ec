// How a small WebAssembly module is written out as bytes (WebAssembly core specification 2.0, §5). For the few loops that
// plain JavaScript is too slow for: checksums in libs/dataplane, BLAKE2s in libs/crypto.

/** An unsigned number in LEB128 (§5.2.2). */
export function wasmUnsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...wasmUnsigned(value >>> 7)];
}

/** A signed 32-bit number in LEB128: the operand of i32.const. Higher bits are ignored. */
export function wasmSigned(value: number): number[] {
  const rest = (value | 0) >> 7;
  const low = value & 0x7f;
  // The last byte's bit 6 is the sign.
  const isLast = (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40);
  return isLast ? [low] : [low | 0x80, ...wasmSigned(rest)];
}

/** A name of ASCII letters (§5.2.4). */
export function wasmName(text: string): number[] {
  return [...wasmUnsigned(text.length), ...Array.from(text, (letter) => letter.charCodeAt(0))];
}

/** A section by its number, behind which stands how long it is (§5.5.2). */
export function wasmSection(id: number, content: readonly number[]): number[] {
  return [id, ...wasmUnsigned(content.length), ...content];
}

/** A module (§5.5.16) of these sections, in the order of their numbers. */
export function wasmModule(...sections: readonly number[][]): Uint8Array {
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}

// What the C structures of the packet path look like on this machine: 64-bit pointers and sizes, and little-endian numbers.
// That is Linux on x64, arm64, riscv64 and loong64; elsewhere the portable path is used.

import { NativeError } from './native-error.js';

const LP64_LITTLE_ENDIAN: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64'];

/** Throws NativeError 'native-unavailable' where the layouts of this lib's packet path do not hold. */
export function requirePacketMachine(platform: string = process.platform, arch: string = process.arch): void {
  if (platform === 'linux' && LP64_LITTLE_ENDIAN.includes(arch)) return;
  throw new NativeError('native-unavailable', `the fast packet path needs 64-bit Linux, this is ${platform} ${arch}`);
}

/** Writes a pointer or a size_t. Addresses of user space fit a number (arena.ts). */
export function setPointer(fields: DataView, offset: number, value: number): void {
  fields.setUint32(offset, value >>> 0, true);
  fields.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

// The names of Linux's error numbers. Hot calls return `-errno` as the kernel does; names are looked up where they are shown.

import { constants } from 'node:os';

/** Descriptor in bad state (asm-generic/errno.h): what a TUN descriptor answers after its interface was deleted. */
const EBADFD = 77;

const NAMES = new Map<number, string>([[EBADFD, 'EBADFD']]);
for (const [name, number] of Object.entries(constants.errno)) if (!NAMES.has(number)) NAMES.set(number, name);

/** `EPERM` for 1 or for -1; `errno-123` for a number that has no name here. */
export function errnoName(errno: number): string {
  const number = Math.abs(errno);
  return NAMES.get(number) ?? `errno-${number}`;
}

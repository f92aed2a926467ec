// The machine's byte order, for the C structures that system calls read.

import { endianness } from 'node:os';

export const LITTLE_ENDIAN = endianness() === 'LE';

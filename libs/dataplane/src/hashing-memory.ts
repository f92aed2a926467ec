// Pinned memory in which relay frames are sealed and checked without a copy, and in which summing-memory.ts sums as well.

import { SipHasher } from '@shadownet/crypto';
import { type PinnedBlock, processArena } from '@shadownet/native';

declare const WebAssembly: { readonly CompileError: new () => Error };

export interface HashingMemory {
  readonly block: PinnedBlock;
  /** Hashes what lies in the block. None where WebAssembly is forbidden: then there are no relays either. */
  readonly hasher: SipHasher | undefined;
}

/** At least `length` pinned bytes. */
export function allocateHashingMemory(length: number): HashingMemory {
  try {
    const hasher = new SipHasher(length);
    const { memory } = hasher;
    const { address } = processArena().adopt(memory.buffer);
    return { block: { bytes: memory, address: address + memory.byteOffset }, hasher };
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    return { block: processArena().allocate(length), hasher: undefined };
  }
}

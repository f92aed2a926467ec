// Pinned memory. V8 frees a buffer of which only an address is left, and the heap is corrupt minutes later; so all memory
// that a system call sees is cut from chunks that stay referenced as long as the process lives.

import { koffi } from './koffi-loader.js';
import { NativeError } from './native-error.js';

/** A piece of pinned memory: the same bytes as JavaScript and as C see them. */
export interface PinnedBlock {
  readonly bytes: Uint8Array;
  /** Where `bytes` begins. A JS number: user space addresses have at most 47 bits (56 with 5-level paging, never handed out unasked). */
  readonly address: number;
}

const CHUNK_BYTES = 256 * 1024;
/** A cache line: no two blocks share one, and every C type is aligned. */
const ALIGNMENT = 64;
const PROCESS_LIMIT_BYTES = 64 * 1024 * 1024;

export class Arena {
  readonly #chunks: ArrayBuffer[] = [];
  readonly #adopted: ArrayBuffer[] = [];
  /** Released blocks by size, to be handed out again. */
  readonly #released = new Map<number, PinnedBlock[]>();
  #used = 0;
  #pinnedBytes = 0;

  /**
   * @param limitBytes the most that the arena ever pins
   * @param addressOf where a buffer's memory begins
   */
  constructor(
    readonly limitBytes: number,
    private readonly addressOf: (buffer: ArrayBuffer) => number,
  ) {}

  /** Memory pinned so far, in bytes; it never shrinks. */
  get pinnedBytes(): number {
    return this.#pinnedBytes;
  }

  /** A zeroed block of `length` bytes (at least 1), aligned to 64. Throws NativeError 'arena-exhausted' at the limit. */
  allocate(length: number): PinnedBlock {
    if (!Number.isInteger(length) || length < 1) throw new RangeError(`a block of ${length} bytes`);
    const size = Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    const block = this.#released.get(size)?.pop() ?? this.#cut(size);
    block.bytes.fill(0);
    return block.bytes.length === length ? block : { bytes: block.bytes.subarray(0, length), address: block.address };
  }

  /**
   * Pins memory that was made elsewhere, all of it, for as long as the arena lives: that of WebAssembly, which must never grow.
   * Throws NativeError 'arena-exhausted' at the limit.
   */
  adopt(buffer: ArrayBuffer): PinnedBlock {
    this.#charge(buffer.byteLength);
    this.#adopted.push(buffer);
    return { bytes: new Uint8Array(buffer), address: this.addressOf(buffer) };
  }

  /**
   * Gives a block back for the next allocation of its size. Its memory stays pinned, so a late system call can spoil
   * another block's content but never the heap. The caller must not use the block any more.
   */
  release(block: PinnedBlock): void {
    const size = Math.ceil(block.bytes.length / ALIGNMENT) * ALIGNMENT;
    const whole = { bytes: new Uint8Array(block.bytes.buffer, block.bytes.byteOffset, size), address: block.address };
    const sameSize = this.#released.get(size);
    if (sameSize) sameSize.push(whole);
    else this.#released.set(size, [whole]);
  }

  #cut(size: number): PinnedBlock {
    let chunk = this.#chunks.at(-1);
    if (!chunk || this.#used + size > chunk.byteLength) chunk = this.#addChunk(size);
    const offset = this.#used;
    this.#used += size;
    return { bytes: new Uint8Array(chunk, offset, size), address: this.addressOf(chunk) + offset };
  }

  /** A chunk that has room for `size` bytes behind its first aligned address. */
  #addChunk(size: number): ArrayBuffer {
    const length = Math.max(CHUNK_BYTES, size + ALIGNMENT);
    this.#charge(length);
    const chunk = new ArrayBuffer(length);
    this.#chunks.push(chunk);
    this.#used = (ALIGNMENT - (this.addressOf(chunk) % ALIGNMENT)) % ALIGNMENT;
    return chunk;
  }

  #charge(length: number): void {
    if (this.#pinnedBytes + length > this.limitBytes) {
      throw new NativeError('arena-exhausted', `pinned memory is limited to ${this.limitBytes} bytes`);
    }
    this.#pinnedBytes += length;
  }
}

let arenaOfProcess: Arena | undefined;

/** The process's one arena. Throws NativeError 'native-unavailable' where koffi is missing. */
export function processArena(): Arena {
  if (!arenaOfProcess) {
    const { address } = koffi();
    arenaOfProcess = new Arena(PROCESS_LIMIT_BYTES, (buffer) => Number(address(buffer)));
  }
  return arenaOfProcess;
}

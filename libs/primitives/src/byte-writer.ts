// Writes numbers into a growing buffer in order. Without a DataView, as in byte-reader.ts.

export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const start = this.#reserve(1);
    this.#bytes[start] = value;
    return this;
  }

  u16be(value: number): this {
    const start = this.#reserve(2);
    this.#bytes[start] = value >>> 8;
    this.#bytes[start + 1] = value;
    return this;
  }

  u32be(value: number): this {
    const start = this.#reserve(4);
    const bytes = this.#bytes;
    bytes[start] = value >>> 24;
    bytes[start + 1] = value >>> 16;
    bytes[start + 2] = value >>> 8;
    bytes[start + 3] = value;
    return this;
  }

  u32le(value: number): this {
    const start = this.#reserve(4);
    const bytes = this.#bytes;
    bytes[start] = value;
    bytes[start + 1] = value >>> 8;
    bytes[start + 2] = value >>> 16;
    bytes[start + 3] = value >>> 24;
    return this;
  }

  u64be(value: bigint): this {
    return this.u32be(upperHalf(value)).u32be(lowerHalf(value));
  }

  u64le(value: bigint): this {
    return this.u32le(lowerHalf(value)).u32le(upperHalf(value));
  }

  bytes(value: Uint8Array): this {
    const start = this.#reserve(value.length);
    this.#bytes.set(value, start);
    return this;
  }

  zeros(count: number): this {
    const start = this.#reserve(count);
    this.#bytes.fill(0, start, start + count);
    return this;
  }

  /** What was written so far: a view that later writes may change or leave behind. Copy it to keep it. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written so far, owned by the caller. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Begins anew in the memory that it has. */
  clear(): this {
    this.#length = 0;
    return this;
  }

  /** May replace the bytes: take them only after this. */
  #reserve(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return start;
  }
}

function upperHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value >> 32n));
}

function lowerHalf(value: bigint): number {
  return Number(BigInt.asUintN(32, value));
}

// Reads numbers from bytes in order. Running past the end throws a RangeError: decoders check lengths first. Without a DataView,
// which costs more than the few numbers that most messages have.

export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#bytes[this.#advance(1)]!;
  }

  u16be(): number {
    const at = this.#advance(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  u32be(): number {
    const at = this.#advance(4);
    const bytes = this.#bytes;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  u32le(): number {
    const at = this.#advance(4);
    const bytes = this.#bytes;
    return ((bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!) >>> 0;
  }

  u64be(): bigint {
    this.#require(8);
    const high = this.u32be();
    return joined(high, this.u32be());
  }

  u64le(): bigint {
    this.#require(8);
    const low = this.u32le();
    return joined(this.u32le(), low);
  }

  /** A view of the next `length` bytes, not a copy: it shares memory with the input. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  #advance(length: number): number {
    this.#require(length);
    const start = this.#offset;
    this.#offset += length;
    return start;
  }

  #require(length: number): void {
    if (!(length >= 0 && length <= this.remaining))
      throw new RangeError(`read of ${length} bytes, ${this.remaining} left`);
  }
}

/** As a number where one holds it exactly: bigints are slow to work with. */
function joined(high: number, low: number): bigint {
  return high < 0x20_0000 ? BigInt(high * 0x1_0000_0000 + low) : (BigInt(high) << 32n) | BigInt(low);
}

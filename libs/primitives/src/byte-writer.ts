// Writes numbers into a growing buffer in order.

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#view.setUint8(this.#reserve(1), value);
    return this;
  }

  u16be(value: number): this {
    this.#view.setUint16(this.#reserve(2), value);
    return this;
  }

  u32be(value: number): this {
    this.#view.setUint32(this.#reserve(4), value);
    return this;
  }

  u32le(value: number): this {
    this.#view.setUint32(this.#reserve(4), value, true);
    return this;
  }

  u64be(value: bigint): this {
    this.#view.setBigUint64(this.#reserve(8), value);
    return this;
  }

  u64le(value: bigint): this {
    this.#view.setBigUint64(this.#reserve(8), value, true);
    return this;
  }

  bytes(value: Uint8Array): this {
    const start = this.#reserve(value.length);
    this.#bytes.set(value, start);
    return this;
  }

  zeros(count: number): this {
    this.#reserve(count);
    return this;
  }

  /** What was written so far: a view that later writes may change or leave behind. Copy it to keep it. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return start;
  }
}

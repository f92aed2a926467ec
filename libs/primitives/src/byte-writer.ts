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
    const start = this.#reserve(1);
    this.#view.setUint8(start, value);
    return this;
  }

  u16be(value: number): this {
    const start = this.#reserve(2);
    this.#view.setUint16(start, value);
    return this;
  }

  u32be(value: number): this {
    const start = this.#reserve(4);
    this.#view.setUint32(start, value);
    return this;
  }

  u32le(value: number): this {
    const start = this.#reserve(4);
    this.#view.setUint32(start, value, true);
    return this;
  }

  u64be(value: bigint): this {
    const start = this.#reserve(8);
    this.#view.setBigUint64(start, value);
    return this;
  }

  u64le(value: bigint): this {
    const start = this.#reserve(8);
    this.#view.setBigUint64(start, value, true);
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

  /** May replace the view: take it only after this. */
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

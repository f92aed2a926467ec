// A secret of some bytes that never prints itself: console, JSON and template strings get a placeholder.

const INSPECT = Symbol.for('nodejs.util.inspect.custom');
const PLACEHOLDER = '[secret]';

export class Secret {
  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Takes ownership of `bytes`: the caller must not keep them, `zero()` clears that very array. */
  static own(bytes: Uint8Array): Secret {
    return new Secret(bytes);
  }

  /** Copies `bytes`; the caller still owns (and zeroes) its own array. */
  static copy(bytes: Uint8Array): Secret {
    return new Secret(Uint8Array.from(bytes));
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** The bytes themselves, not a copy: use at once, do not keep, do not change. */
  expose(): Uint8Array {
    return this.#bytes;
  }

  /** Overwrites the bytes with zeros. The value must not be used afterwards. */
  zero(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return PLACEHOLDER;
  }

  toJSON(): string {
    return PLACEHOLDER;
  }

  [INSPECT](): string {
    return PLACEHOLDER;
  }
}

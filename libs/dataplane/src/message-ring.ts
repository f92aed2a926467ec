// A bounded ring of byte messages from one thread to another, in a SharedArrayBuffer. When it is full the oldest is
// overwritten: what waits too long is worth less than what has just come. One writer, one reader (docs/adr, concurrency
// rule 10).
//
//   header, 16 bytes    written (4)  slots (4)  slot length (4)  read (4)
//   slot                sequence (4)  length (4)  tag (4)  – (4)  bytes
//
// A slot's sequence is the number of its message plus one, and zero while it is being written: a reader that finds another
// one before or after copying has been overtaken, and counts the message as lost.

const HEADER_LENGTH = 16;
const SLOT_HEADER_LENGTH = 16;
const WRITTEN = 0;
const SLOTS = 1;
const SLOT_LENGTH = 2;
const READ = 3;
const SEQUENCE = 0;
const LENGTH = 1;
const TAG = 2;

export interface RingMessage {
  /** A copy that the reader owns. */
  readonly bytes: Uint8Array;
  /** What the writer gave with it. */
  readonly tag: number;
}

export class MessageRing {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #slots: number;
  readonly #slotLength: number;
  #read = 0;
  #lost = 0;

  constructor(source: { readonly slots: number; readonly maxMessage: number } | SharedArrayBuffer) {
    if (source instanceof SharedArrayBuffer) this.buffer = source;
    else {
      const slotLength = SLOT_HEADER_LENGTH + Math.ceil(source.maxMessage / 4) * 4;
      this.buffer = new SharedArrayBuffer(HEADER_LENGTH + source.slots * slotLength);
      new Int32Array(this.buffer).set([source.slots, slotLength], SLOTS);
    }
    this.#cells = new Int32Array(this.buffer);
    this.#bytes = new Uint8Array(this.buffer);
    this.#slots = this.#cells[SLOTS]!;
    this.#slotLength = this.#cells[SLOT_LENGTH]!;
  }

  get maxMessage(): number {
    return this.#slotLength - SLOT_HEADER_LENGTH;
  }

  /** Messages that the reader was too late for. */
  get lost(): number {
    return this.#lost;
  }

  /** Writer only: how many messages were written so far, in 32 bits. */
  get written(): number {
    return Atomics.load(this.#cells, WRITTEN);
  }

  /** Writer only: whether the reader is done with the first `count` messages. */
  hasRead(count: number): boolean {
    return ((Atomics.load(this.#cells, READ) - count) | 0) >= 0;
  }

  /** Writer only. Copies the bytes. Throws RangeError beyond `maxMessage`. */
  write(bytes: Uint8Array, tag = 0): void {
    if (bytes.length > this.maxMessage) throw new RangeError(`a message of ${bytes.length} bytes`);
    const number = Atomics.load(this.#cells, WRITTEN);
    const cell = this.#slot(number) / 4;
    Atomics.store(this.#cells, cell + SEQUENCE, 0);
    Atomics.store(this.#cells, cell + LENGTH, bytes.length);
    Atomics.store(this.#cells, cell + TAG, tag);
    this.#bytes.set(bytes, this.#slot(number) + SLOT_HEADER_LENGTH);
    Atomics.store(this.#cells, cell + SEQUENCE, (number + 1) | 0 || 1);
    Atomics.store(this.#cells, WRITTEN, (number + 1) | 0);
  }

  /** Reader only: the oldest message that is left. Asking for the next one says that the last one is done with. */
  read(): RingMessage | undefined {
    for (;;) {
      Atomics.store(this.#cells, READ, this.#read);
      const behind = (Atomics.load(this.#cells, WRITTEN) - this.#read) | 0;
      if (behind === 0) return undefined;
      if (behind > this.#slots) this.#skip(behind - this.#slots);
      const number = this.#read;
      this.#read = (number + 1) | 0;
      const message = this.#copy(number);
      if (message) return message;
      this.#lost++;
    }
  }

  #skip(count: number): void {
    this.#read = (this.#read + count) | 0;
    this.#lost += count;
  }

  #copy(number: number): RingMessage | undefined {
    const cell = this.#slot(number) / 4;
    const sequence = (number + 1) | 0 || 1;
    if (Atomics.load(this.#cells, cell + SEQUENCE) !== sequence) return undefined;
    const length = Math.min(Atomics.load(this.#cells, cell + LENGTH), this.maxMessage);
    const tag = Atomics.load(this.#cells, cell + TAG);
    const start = this.#slot(number) + SLOT_HEADER_LENGTH;
    const bytes = Uint8Array.from(this.#bytes.subarray(start, start + length));
    return Atomics.load(this.#cells, cell + SEQUENCE) === sequence ? { bytes, tag } : undefined;
  }

  #slot(number: number): number {
    return HEADER_LENGTH + ((number >>> 0) % this.#slots) * this.#slotLength;
  }
}

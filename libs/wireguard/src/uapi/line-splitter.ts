// Cuts a stream of bytes into lines, however it is chopped up on the way, and holds no more than one line of bounded length.

const LINE_FEED = 0x0a;

export class LineSplitter {
  readonly #line: Uint8Array;
  #length = 0;
  #state: 'open' | 'ended' = 'open';

  constructor(maxLineBytes: number) {
    this.#line = new Uint8Array(maxLineBytes);
  }

  /**
   * Calls `onLine` for each line that `bytes` complete, without its line feed. The line is valid during the call only, and
   * zeroed afterwards since it may hold a key. Answers 'too-long' at a line that is longer than allowed; then, and after
   * `onLine` answered 'stop', nothing is taken any more.
   */
  push(bytes: Uint8Array, onLine: (line: Uint8Array) => 'more' | 'stop'): 'taken' | 'too-long' | 'ended' {
    for (const byte of bytes) {
      if (this.#state === 'ended') return 'ended';
      if (byte === LINE_FEED) {
        const next = onLine(this.#line.subarray(0, this.#length));
        this.#clear();
        if (next === 'stop') this.end();
      } else if (this.#length === this.#line.length) {
        this.end();
        return 'too-long';
      } else this.#line[this.#length++] = byte;
    }
    return 'taken';
  }

  /** Takes nothing any more, and forgets the line that was begun. */
  end(): void {
    this.#state = 'ended';
    this.#clear();
  }

  #clear(): void {
    this.#line.fill(0, 0, this.#length);
    this.#length = 0;
  }
}

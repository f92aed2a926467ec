// The control server's clock as the browser estimates it: ages must be right even where the browser's own clock is wrong.
// It moves only in tick() and synchronise(), so that everything drawn at one moment agrees on the time.

/** An estimate that is off by more than this was wrong from the start: the server's clock was set, or the machine slept. */
const STEP_MS = 2_000;

export class ServerClock {
  /** Server time minus monotonic time. */
  #offset: number | undefined;
  #now: number | undefined;
  readonly #listeners = new Set<() => void>();

  /** `monotonic` returns milliseconds that never go back, such as performance.now(). */
  constructor(private readonly monotonic: () => number) {}

  /** Milliseconds since the Unix epoch at the last tick; undefined before the server has said its time. */
  get now(): number | undefined {
    return this.#now;
  }

  /**
   * Takes in the time of an answer that just arrived. The way here only ever makes it look late, so of two estimates
   * the later one is the better one.
   */
  synchronise(serverTime: string): void {
    const offset = Date.parse(serverTime) - this.monotonic();
    const known = this.#offset;
    if (known === undefined || offset > known || known - offset > STEP_MS) this.#offset = offset;
    this.tick();
  }

  /** Moves the time on and tells whoever listens. The page calls it once a second. */
  tick(): void {
    if (this.#offset === undefined) return;
    this.#now = this.#offset + this.monotonic();
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after each move; returns what ends that. Bound, as React's external stores need it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

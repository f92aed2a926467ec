// Who of several receive workers reads the socket, and in which order they touch what they share: concurrency rule 5. They take
// turns as leader: only the leader waits for the socket, and numbers what it receives before it lets another lead. What each does
// alone, opening above all, runs side by side; the replay windows and the TUN are reached in the order of the numbers, called
// tickets. With one worker nobody ever waits. Used by receive-worker.ts; the main thread calls.
//
//   led (4)  calls (4)  next ticket (4)  whose turn it is: at the windows, at the TUN (2 × 4)

/** What is done in the order of tickets. */
export type OrderedStep = 'windows' | 'writes';

const LED = 0;
const CALLS = 1;
const NEXT_TICKET = 2;
const TURN: Readonly<Record<OrderedStep, number>> = { windows: 3, writes: 4 };
const CELLS = 5;

/** Looks at a turn that comes in a moment, before the thread is put to sleep. */
const LOOKS = 200;
/** A worker that is stopped while it waits for its turn may miss the call, and looks so often anyway, in ms. */
const LONGEST_WAIT_FOR_TURN = 50;

export class ReceiveOrder {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(buffer = new SharedArrayBuffer(CELLS * 4)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  // ── The lead ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** True if the caller leads from now on, until it gives the lead away. */
  tryLead(): boolean {
    return Atomics.compareExchange(this.#cells, LED, 0, 1) === 0;
  }

  /** Leader only, once for each receive: the place of what it has just received among all that is received. */
  takeTicket(): number {
    const ticket = this.#cells[NEXT_TICKET]!;
    this.#cells[NEXT_TICKET] = (ticket + 1) | 0;
    return ticket;
  }

  /** Leader only. Wakes one of those who wait to lead. */
  giveLeadAway(): void {
    Atomics.store(this.#cells, LED, 0);
    Atomics.add(this.#cells, CALLS, 1);
    Atomics.notify(this.#cells, CALLS, 1);
  }

  /** Changes with each call; to be noted before looking whether there is a reason not to wait. */
  get calls(): number {
    return Atomics.load(this.#cells, CALLS);
  }

  /** Sleeps while another leads and nobody has called since `calls` was noted; at most `timeout` ms. */
  waitToLead(calls: number, timeout: number): void {
    if (Atomics.load(this.#cells, LED) === 1) Atomics.wait(this.#cells, CALLS, calls, timeout);
  }

  /** Main thread: whoever waits shall look at epochs and at whether it was stopped. */
  call(): void {
    Atomics.add(this.#cells, CALLS, 1);
    for (const cell of [CALLS, TURN.windows, TURN.writes]) Atomics.notify(this.#cells, cell);
  }

  // ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Returns true when all earlier tickets have passed the step: from then until `passTurn` the caller is alone in it. False if the
   * caller is stopped, because those whom it waits for may have been as well; it has no turn then, nor any later step.
   */
  waitTurn(step: OrderedStep, ticket: number, caller: { readonly isStopped: boolean }): boolean {
    const cell = TURN[step];
    for (let looks = 0; looks < LOOKS; looks++) if (Atomics.load(this.#cells, cell) === ticket) return true;
    for (;;) {
      const turn = Atomics.load(this.#cells, cell);
      if (turn === ticket) return true;
      if (caller.isStopped) return false;
      Atomics.wait(this.#cells, cell, turn, LONGEST_WAIT_FOR_TURN);
    }
  }

  passTurn(step: OrderedStep, ticket: number): void {
    const cell = TURN[step];
    Atomics.store(this.#cells, cell, (ticket + 1) | 0);
    Atomics.notify(this.#cells, cell);
  }
}

// What the process that sends the load is told, and what it answers: one line of JSON each. The initiations are in a file of
// their own, one after another.

export interface LoadPlan {
  readonly initiationsFile: string;
  readonly callers: number;
  readonly responder: { readonly address: string; readonly port: number; readonly publicKey: string };
  /** Not counted: the responder's first handshakes are made by code that has not been compiled yet. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface LoadReport {
  /** After the warm-up. */
  readonly answered: number;
  /** Sent a second or more before the end and not answered until then, the warm-up included. */
  readonly lost: number;
  /** Asked for after the warm-up. */
  readonly cookies: number;
  /** Until the last answer that counts, or the end of the time. */
  readonly elapsedMs: number;
}

/** Each caller has an address of its own, so that what a responder allows one source does not limit all of them together. */
export const CALLERS_PREFIX = '198.18.0.0/16';

export function callerAddress(caller: number): string {
  const number = caller + 1;
  return `198.18.${String(number >> 8)}.${String(number & 0xff)}`;
}

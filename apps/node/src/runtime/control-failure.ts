// Why a request to the control server, or its event stream, did not do what it was for.

import { assertNever } from '@shadownet/primitives';
import type { ProblemCode } from '@shadownet/contracts';

export type ControlFailure =
  /** No answer: connection refused, timeout, name not found, or a gateway's error instead of the server. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** An answer that does not verify. It is not acted upon. */
  | { readonly kind: 'untrusted'; readonly detail: string }
  /** A signed error. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: ProblemCode;
      readonly detail: string;
      /** With `signature-expired`: the server's clock, milliseconds since the Unix epoch. */
      readonly serverTime: number | undefined;
    }
  /** A signed answer that is not in the schema: the versions do not fit. */
  | { readonly kind: 'malformed'; readonly detail: string };

export type ControlResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: ControlFailure };

export function describeFailure(failure: ControlFailure): string {
  switch (failure.kind) {
    case 'unreachable':
      return failure.detail;
    case 'untrusted':
      return `the answer is not authentic (${failure.detail})`;
    case 'refused':
      return `${failure.code}: ${failure.detail}`;
    case 'malformed':
      return `the answer is not understood (${failure.detail}): are both programs of the same version?`;
    default:
      return assertNever(failure);
  }
}

// The error class of libs/native. Codes are stable:
//   native-unavailable  this machine has no usable native layer: not Linux, an unknown architecture, or no koffi binary
//   syscall-failed      a system call that was expected to work did not; `errno` names why
//   arena-exhausted     the pinned memory's bound is reached: a leak in the caller

import { ShadowNetError } from '@shadownet/primitives';

export type NativeErrorCode = 'native-unavailable' | 'syscall-failed' | 'arena-exhausted';

export class NativeError extends ShadowNetError<NativeErrorCode> {
  /** The errno's name, such as `EPERM`; only with `syscall-failed`. */
  readonly errno: string | undefined;

  constructor(code: NativeErrorCode, message: string, options?: { errno?: string; cause?: unknown }) {
    super(code, message, options);
    this.errno = options?.errno;
  }
}

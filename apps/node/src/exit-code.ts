// What the process tells its caller (docs/node-runtime.md).

import { ShadowNetError } from '@shadownet/primitives';

export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  notRunning: 3,
  needsPrivilege: 4,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A failure that knows its exit code: what the daemon told the `up` that started it. */
export interface WithExitCode {
  readonly exitCode: ExitCode;
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Error && 'exitCode' in error) return (error as Error & WithExitCode).exitCode;
  if (!(error instanceof ShadowNetError)) return ExitCode.failure;
  switch (error.code) {
    case 'usage':
      return ExitCode.usage;
    case 'not-running':
      return ExitCode.notRunning;
    case 'needs-privilege':
    case 'tun-permission-denied':
    case 'tun-missing':
      return ExitCode.needsPrivilege;
    default:
      return ExitCode.failure;
  }
}

// What the process tells its caller (docs/node-runtime.md).

import { NodeError } from './node-error.js';

export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  notRunning: 3,
  needsPrivilege: 4,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof NodeError)) return ExitCode.failure;
  switch (error.code) {
    case 'usage':
      return ExitCode.usage;
    case 'not-running':
      return ExitCode.notRunning;
    case 'needs-privilege':
      return ExitCode.needsPrivilege;
    default:
      return ExitCode.failure;
  }
}

// What a detached node tells the `up` that started it, over the IPC channel between them: once, when it is decided.

import type { ExitCode } from '../exit-code.js';

export type DaemonMessage =
  | { readonly kind: 'ready'; readonly summary: string }
  | { readonly kind: 'failed'; readonly message: string; readonly exitCode: ExitCode };

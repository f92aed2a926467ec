// The certificate and its key: read at the start, and taken over anew when the files change, so that a renewal needs no restart.

import { readFileSync, statSync } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { TlsFiles } from '../config.js';
import { ControlError } from '../control-error.js';

const CHECK_INTERVAL_MS = 10_000;

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What became of a change of the files. */
export type TlsChange = { readonly kind: 'renewed' } | { readonly kind: 'refused'; readonly reason: string };

/** Throws ControlError `unusable-files`. */
export function readTls(files: TlsFiles): TlsPair {
  try {
    const pair = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ControlError('unusable-files', `cannot use --tls-cert and --tls-key: ${reason}`, { cause: error });
  }
}

/** Looks at the files from time to time until the function that it returns is called. Files that do not fit change nothing. */
export function followTls(
  server: Server,
  files: TlsFiles,
  onChange: (change: TlsChange) => void,
  intervalMs = CHECK_INTERVAL_MS,
): () => void {
  let known = stampOf(files);
  const timer = setInterval(() => {
    const stamp = stampOf(files);
    if (stamp === known) return;
    known = stamp;
    try {
      server.setSecureContext(readTls(files));
      onChange({ kind: 'renewed' });
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      onChange({ kind: 'refused', reason: error.message });
    }
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Another one whenever a file was replaced or written. A file that is missing for a moment is a change, too. */
function stampOf({ cert, key }: TlsFiles): string {
  return [cert, key]
    .map((path) => {
      const found = statSync(path, { bigint: true, throwIfNoEntry: false });
      return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : '-';
    })
    .join();
}

import { ShadowNetError } from '@shadownet/primitives';

/**
 * Why the server does not start, or a command fails: shown to the operator as one line.
 * - `bad-config`: an option has no meaning, or two contradict each other. Exit code 2; the others exit 1.
 * - `exposed-files`: the data directory can be entered by other users. (Of key files: CryptoError.)
 * - `unusable-files`: the data directory cannot be made, or the database not be opened.
 * - `already-running`: another server has the data directory.
 * - `address-in-use`: another process has the TCP or a UDP port.
 * - `pool-mismatch`: a node holds an address that `--network` no longer contains.
 * - `not-running`: a command finds no server to ask.
 * - `refused`: the running server does not do what a command asks for.
 */
export class ControlError extends ShadowNetError<
  | 'bad-config'
  | 'exposed-files'
  | 'unusable-files'
  | 'already-running'
  | 'address-in-use'
  | 'pool-mismatch'
  | 'not-running'
  | 'refused'
> {}

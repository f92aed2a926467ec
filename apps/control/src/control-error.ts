import { ShadowNetError } from '@shadownet/primitives';

/**
 * Why the server does not start: shown to the operator as one line.
 * - `bad-config`: an option has no meaning, or two contradict each other. Exit code 2; the others exit 1.
 * - `exposed-files`: the data directory can be entered by other users. (Of key files: CryptoError.)
 * - `unusable-files`: the data directory cannot be made, or the database not be opened.
 * - `address-in-use`: another process has the TCP or a UDP port.
 * - `pool-mismatch`: a node holds an address that `--network` no longer contains.
 */
export class ControlError extends ShadowNetError<
  'bad-config' | 'exposed-files' | 'unusable-files' | 'address-in-use' | 'pool-mismatch'
> {}

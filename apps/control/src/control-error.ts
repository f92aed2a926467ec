import { ShadowNetError } from '@shadownet/primitives';

/**
 * Why the server does not start: shown to the operator as one line.
 * - `bad-config`: an option has no meaning, or two contradict each other. Exit code 2; the others exit 1.
 * - `exposed-files`: the data directory or the key file can be read by other users.
 * - `unusable-files`: the data directory cannot be made, or the database not be opened.
 * - `damaged-key`: the key file does not hold 32 bytes.
 * - `address-in-use`: another process has the TCP or a UDP port.
 * - `pool-mismatch`: a node holds an address that `--network` no longer contains.
 */
export class ControlError extends ShadowNetError<
  'bad-config' | 'exposed-files' | 'unusable-files' | 'damaged-key' | 'address-in-use' | 'pool-mismatch'
> {}

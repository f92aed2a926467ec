// The error class of libs/crypto. It reports broken invariants of the caller, and key files that are not fit for use: what a peer
// sends wrong is a value.

import { ShadowNetError } from '@shadownet/primitives';

/**
 * - `wrong-length`: a key, nonce, output or digest length that the algorithm does not have.
 * - `overlapping-buffers`: output and input share memory and do not start at the same byte.
 * - `key-zeroed`: a private key was used after `zero()`.
 * - `exposed-files`: a key file can be read by other users.
 * - `damaged-key`: a key file has not the length of a key.
 */
export type CryptoErrorCode = 'wrong-length' | 'overlapping-buffers' | 'key-zeroed' | 'exposed-files' | 'damaged-key';

export class CryptoError extends ShadowNetError<CryptoErrorCode> {}

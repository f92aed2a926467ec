import { ShadowNetError } from '@shadownet/primitives';

/**
 * - `bad-config`: an option that is missing or that does not mean anything.
 * - `unusable-files`: the certificate or the key directory can not be used.
 * - `address-in-use`: the address or port is not free.
 */
export class RelayError extends ShadowNetError<'bad-config' | 'unusable-files' | 'address-in-use'> {}

import { ShadowNetError } from '@shadownet/primitives';

/**
 * - `bad-private-key`: not 32 bytes.
 */
export class TunnelError extends ShadowNetError<'bad-private-key'> {}

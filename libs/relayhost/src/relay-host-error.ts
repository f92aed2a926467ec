import { ShadowNetError } from '@shadownet/primitives';

/**
 * - `relay-failed`: the relay's thread could not open its socket, or has ended.
 */
export class RelayHostError extends ShadowNetError<'relay-failed'> {}

import { ShadowNetError } from '@shadownet/primitives';

/**
 * - `own-key`: a path to oneself. Both directions would share their keys, and a reflected probe would verify.
 */
export class PathsError extends ShadowNetError<'own-key'> {}

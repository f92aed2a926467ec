import { ShadowNetError } from '@shadownet/primitives';

/**
 * A message that its own caller cannot have meant; what a peer sends wrong is a value of the decoder instead.
 * - `unencodable-attribute`: a value that its attribute has no room for (RFC 8489 §14 sets the limits).
 * - `bad-transaction-id`: not 12 bytes.
 */
export class StunError extends ShadowNetError<'unencodable-attribute' | 'bad-transaction-id'> {}

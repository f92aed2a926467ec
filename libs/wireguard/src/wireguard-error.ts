import { ShadowNetError } from '@shadownet/primitives';

/** What a caller of this lib can do wrong. Nothing that a peer sends ends here. */
export type WireGuardErrorCode =
  /** A private or preshared key that is not 32 bytes. */
  | 'bad-key-length'
  /** More peers than the device was made for. */
  | 'too-many-peers'
  /** A peer was named that the device does not have. */
  | 'unknown-peer';

export class WireGuardError extends ShadowNetError<WireGuardErrorCode> {}

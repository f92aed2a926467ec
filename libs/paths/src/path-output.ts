import type { Path } from '@shadownet/primitives';

/** Where the cores of this lib put what they want sent. The bytes must not be changed: they may be sent again. */
export interface PathOutput {
  datagram(bytes: Uint8Array, path: Path): void;
}

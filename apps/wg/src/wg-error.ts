// The error class of shadownet-wg: what stops it, as one line for the user. Codes are stable:
//   already-running   a live process serves the UAPI socket of this interface
//   start-failed      the detached process ended, or did not answer, before it was usable

import { ShadowNetError } from '@shadownet/primitives';

export type WgErrorCode = 'already-running' | 'start-failed';

export class WgError extends ShadowNetError<WgErrorCode> {}

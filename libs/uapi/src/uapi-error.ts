// The error class of libs/uapi. Codes are stable:
//   socket-in-use     a running process serves a socket of that name
//   socket-unusable   the socket or its directory cannot be made; `cause` names the reason

import { ShadowNetError } from '@shadownet/primitives';

export type UapiErrorCode = 'socket-in-use' | 'socket-unusable';

export class UapiError extends ShadowNetError<UapiErrorCode> {}

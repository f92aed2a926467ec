// The error class of libs/udp. Codes are stable; each message is one line that says what to do:
//   port-in-use         another socket has the port
//   port-not-permitted  the system reserves the port (usually one below 1024)
//   mark-not-permitted  packets may not be marked without CAP_NET_ADMIN
//   socket-failed       the socket could not be opened for another reason, which `cause` names

import { ShadowNetError } from '@shadownet/primitives';

export type UdpErrorCode = 'port-in-use' | 'port-not-permitted' | 'mark-not-permitted' | 'socket-failed';

export class UdpError extends ShadowNetError<UdpErrorCode> {}

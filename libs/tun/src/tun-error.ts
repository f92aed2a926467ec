// The error class of libs/tun. Codes are stable; each message is one line that says what to do:
//   tun-permission-denied  EPERM or EACCES: the process lacks CAP_NET_ADMIN
//   tun-missing            the kernel or the container has no /dev/net/tun
//   tun-name-taken         another process, or an interface that is no TUN, has the name
//   tun-name-invalid       not 1…15 printable ASCII characters, or with / : % or a space
//   tun-settings-invalid   an MTU or address that no TUN can have
//   tun-setup-failed       the kernel refused a setting for another reason; `cause` has its errno
//   tun-closed             the interface was deleted from outside, or its descriptor failed

import { ShadowNetError } from '@shadownet/primitives';

export type TunErrorCode =
  | 'tun-permission-denied'
  | 'tun-missing'
  | 'tun-name-taken'
  | 'tun-name-invalid'
  | 'tun-settings-invalid'
  | 'tun-setup-failed'
  | 'tun-closed';

export class TunError extends ShadowNetError<TunErrorCode> {}

// What a UAPI answer can say went wrong, as Linux numbers (asm-generic/errno.h). The sign follows the operation: `wg` reads
// `errno=` of a get as a positive number and of a set as a negative one.

export const UapiErrno = {
  /** The owner of the device decides on this itself and takes no orders. */
  EPERM: 1,
  EIO: 5,
  /** A known key with a value that it cannot have, or an unknown key. */
  EINVAL: 22,
  /** More peers than the device was made for. */
  ENOSPC: 28,
  /** Not a request of this protocol: no `key=value`, or an unknown operation. */
  EPROTO: 71,
  /** A line or a request beyond the bounds. */
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  /** The listen port is taken. */
  EADDRINUSE: 98,
} as const;
export type UapiErrno = (typeof UapiErrno)[keyof typeof UapiErrno];

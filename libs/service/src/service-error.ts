// The error class of libs/service. Codes are stable:
//   needs-root         only root may write units
//   no-systemd         systemctl is not there
//   program-private    the service's user could not read the program
//   config-differs     another configuration is installed, and is not overwritten
//   not-installed      there is no such unit
//   systemctl-failed   systemctl ended with an error; the message has its words

import { ShadowNetError } from '@shadownet/primitives';

export type ServiceErrorCode =
  'needs-root' | 'no-systemd' | 'program-private' | 'config-differs' | 'not-installed' | 'systemctl-failed';

export class ServiceError extends ShadowNetError<ServiceErrorCode> {}

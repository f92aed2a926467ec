// The error class of shadownet-node: what stops a command, as one line for the user. Codes are stable:
//   usage                    flags, environment or configuration file make no sense
//   state-unusable           the state directory or a file in it cannot be read, written or understood
//   state-exposed            a secret or its directory is open to other users
//   socket-unusable          the control socket cannot be made, or what answers on it is no node
//   already-running          a live node has the control socket or the state directory
//   not-running              no node answers on the control socket
//   needs-privilege          not root (or CAP_NET_ADMIN), or no /dev/net/tun
//   server-key-changed       the control server shows another key than the pinned one
//   control-unreachable      no answer from the control server in time
//   control-refused          the control server answered with an error
//   no-answer                a peer did not answer to any ping
//   start-failed             any other reason for which the node did not become usable

import { ShadowNetError } from '@shadownet/primitives';

export type NodeErrorCode =
  | 'usage'
  | 'state-unusable'
  | 'state-exposed'
  | 'socket-unusable'
  | 'already-running'
  | 'not-running'
  | 'needs-privilege'
  | 'server-key-changed'
  | 'control-unreachable'
  | 'control-refused'
  | 'no-answer'
  | 'start-failed';

export class NodeError extends ShadowNetError<NodeErrorCode> {}

// Trust on first contact: the control server's key is pinned when it is first seen, and another one is refused from then on.

import type { ServerInfo } from '@shadownet/contracts';
import { encodePublicKey, parsePublicKey, type PublicKey, publicKeysEqual } from '@shadownet/primitives';
import { NodeError } from '../node-error.js';
import type { StateDirectory } from '../state/state-directory.js';
import type { NodeLog } from './node-log.js';

/** The server's key. Throws `server-key-changed`. */
export function checkServerKey(info: ServerInfo, state: StateDirectory, log: NodeLog): PublicKey {
  const shown = parsePublicKey(info.public_key);
  if (!shown) throw new NodeError('control-refused', 'the control server shows no valid key');
  const pinned = state.serverKey;
  if (!pinned) {
    state.pinServerKey(shown);
    log.event('server-key-pinned', { server_public_key: encodePublicKey(shown) });
    return shown;
  }
  if (publicKeysEqual(pinned, shown)) return pinned;
  throw new NodeError(
    'server-key-changed',
    `the control server's key has changed from ${encodePublicKey(pinned)} to ${encodePublicKey(shown)}: either it was set up anew, ` +
      `or somebody poses as it; if you are sure that the change is right, delete ${state.serverKeyFile}`,
  );
}

// The control server's key: the one that the user gave, or trust on first contact. It is pinned when it is first seen, and another
// one is refused from then on.

import type { ServerInfo } from '@shadownet/contracts';
import { encodePublicKey, parsePublicKey, type PublicKey, publicKeysEqual } from '@shadownet/primitives';
import { NodeError } from '../node-error.js';
import type { StateDirectory } from '../state/state-directory.js';
import type { NodeLog } from './node-log.js';

/** The server's key; `given` is what the user says that it is. Throws `server-key-changed`. */
export function checkServerKey(
  info: ServerInfo,
  state: StateDirectory,
  log: NodeLog,
  given: PublicKey | undefined,
): PublicKey {
  const shown = parsePublicKey(info.public_key);
  if (!shown) throw new NodeError('control-refused', 'the control server shows no valid key');
  const pinned = state.serverKey;
  if (given && !publicKeysEqual(given, shown)) {
    throw new NodeError(
      'server-key-changed',
      `the control server shows the key ${encodePublicKey(shown)}, and ${encodePublicKey(given)} was given as its key: ` +
        'either the one that was given is wrong, or somebody poses as the server',
    );
  }
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

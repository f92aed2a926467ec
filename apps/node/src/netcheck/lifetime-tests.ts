// What the tests of a NAT mapping's lifetime need: a node's identity, by which the control server's STUN server answers again.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chooseCryptoProvider, nodeCandidate } from '@shadownet/crypto';
import { type Duration, publicKeyFromBytes, seconds } from '@shadownet/primitives';
import type { LifetimeTests } from '@shadownet/stun';
import { NodeError } from '../node-error.js';
import { secureRandom, wallNow } from '../runtime/clock.js';
import { ControlClient } from '../runtime/control-client.js';
import { describeFailure } from '../runtime/control-failure.js';
import { deriveControlKeys } from '../runtime/control-keys.js';
import { StateDirectory } from '../state/state-directory.js';

/** Around what NATs are known to use: 30 s is usual, 2 min is what RFC 4787 REQ-5 asks for. The server has 16 wait for one node. */
const SILENCES = [5, 10, 15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300].map(seconds);

/** Throws NodeError: there is no identity in that directory, or the control server does not answer. */
export async function prepareLifetimeTests(
  control: URL,
  stateDirectory: string,
  longest: Duration,
): Promise<LifetimeTests> {
  if (!existsSync(join(stateDirectory, 'private.key'))) {
    throw new NodeError(
      'state-unusable',
      `--lifetime needs a node's identity, and ${stateDirectory} has none: run up once`,
    );
  }
  const { provider: crypto } = chooseCryptoProvider([nodeCandidate]);
  const state = new StateDirectory(stateDirectory);
  const { key } = state.loadPrivateKey(secureRandom);
  const privateKey = crypto.privateKey(key.expose());
  key.zero();
  const publicKey = publicKeyFromBytes(privateKey.publicKey)!;
  const { serverKey } = state;
  const keys = serverKey && deriveControlKeys(crypto, privateKey, publicKey, serverKey);
  privateKey.zero();
  if (!keys) throw new NodeError('state-unusable', `${stateDirectory} names no control server: run up once`);

  const client = new ControlClient({ url: control, crypto, random: secureRandom, publicKey, wallNow });
  client.useKeys(keys);
  try {
    // The server's STUN server knows the keys of those who spoke to its API last.
    const spoken = await client.fetchPeers();
    if (!spoken.ok) {
      const code = spoken.failure.kind === 'unreachable' ? 'control-unreachable' : 'control-refused';
      throw new NodeError(code, `--lifetime: ${describeFailure(spoken.failure)}`);
    }
  } finally {
    await client.close();
  }
  return {
    idle: silencesUpTo(longest),
    id: keys.stunId,
    key: keys.stun,
    hmac: (hmacKey, input) => crypto.hmacSha256(hmacKey, input),
  };
}

/** The usual ones below `longest`, and that itself. */
function silencesUpTo(longest: Duration): Duration[] {
  return [...SILENCES.filter((silence) => silence < longest), longest];
}

// What a control server tells anybody: asked by commands that are no node.

import type { ServerInfo } from '@shadownet/contracts';
import { chooseCryptoProvider, generatePrivateKey, nodeCandidate } from '@shadownet/crypto';
import { publicKeyFromBytes } from '@shadownet/primitives';
import { secureRandom, wallNow } from './clock.js';
import { ControlClient } from './control-client.js';
import type { ControlResult } from './control-failure.js';

export async function fetchServerInfo(control: URL): Promise<ControlResult<ServerInfo>> {
  const { provider: crypto } = chooseCryptoProvider([nodeCandidate]);
  // The question is not signed, so any key will do: whoever asks need not be a node.
  const publicKey = publicKeyFromBytes(crypto.privateKey(generatePrivateKey(secureRandom)).publicKey)!;
  const client = new ControlClient({ url: control, crypto, random: secureRandom, publicKey, wallNow });
  try {
    return await client.fetchServerInfo();
  } finally {
    await client.close();
  }
}

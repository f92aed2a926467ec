// `shadownet-node keygen`: a fresh private key in the form of `wg genkey`, for who prepares state directories elsewhere.

import { generatePrivateKey } from '@shadownet/crypto';
import { encodeBase64 } from '@shadownet/primitives';
import { secureRandom } from '../runtime/clock.js';
import { printLine } from './terminal.js';

export function keygen(): void {
  const key = generatePrivateKey(secureRandom);
  printLine(encodeBase64(key));
  key.fill(0);
}

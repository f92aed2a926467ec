// The providers of this machine besides the reference, for the tests that all of them have to pass.

import { evpCandidate } from './evp-provider.js';
import { nodeCrypto } from './node-provider.js';
import type { CryptoProvider } from './provider.js';

/** Without the EVP provider where there is no koffi or no OpenSSL 3: the data plane says so at its start as well. */
export const fastProviders: readonly CryptoProvider[] = [nodeCrypto, ...evpProvider()];

function evpProvider(): CryptoProvider[] {
  try {
    return [evpCandidate.load()];
  } catch {
    return [];
  }
}

export type { Blake2sMac } from './blake2s.js';
export {
  chooseCryptoProvider,
  chooseMacProvider,
  nodeCandidate,
  type ProviderCandidate,
  type ProviderChoice,
} from './choose-provider.js';
export { CryptoError, type CryptoErrorCode } from './crypto-error.js';
export { ED25519_SIGNATURE_BYTES, Ed25519Signer, Ed25519Verifier } from './ed25519.js';
export { loadKeyFile } from './key-file.js';
export { deriveLabelledKey, type KeyLabel } from './labelled-key.js';
export { nobleCrypto } from './noble-provider.js';
export { nodeCrypto } from './node-provider.js';
export { generatePrivateKey } from './private-key.js';
export type { CryptoProvider, MacProvider, PrivateKey, RandomBytes } from './provider.js';
export { SIPHASH_KEY_BYTES, SipHasher, sipHashKey, type SipHashKey } from './siphash.js';

export type { Blake2sMac } from './blake2s.js';
export { chooseCryptoProvider, nodeCandidate, type ProviderCandidate, type ProviderChoice } from './choose-provider.js';
export { CryptoError, type CryptoErrorCode } from './crypto-error.js';
export { deriveLabelledKey, type KeyLabel } from './labelled-key.js';
export { nobleCrypto } from './noble-provider.js';
export { nodeCrypto } from './node-provider.js';
export { generatePrivateKey } from './private-key.js';
export type { CryptoProvider, PrivateKey, RandomBytes } from './provider.js';

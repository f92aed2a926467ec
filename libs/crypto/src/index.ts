export { deriveLabelledKey, type KeyLabel } from './labelled-key.js';
export type { CryptoProvider, PrivateKey, RandomBytes } from './provider.js';

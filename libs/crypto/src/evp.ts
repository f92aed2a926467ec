// The entry @shadownet/crypto/evp: for programs that have libs/native anyway.

export { evpCandidate } from './evp-provider.js';

export { assertNever } from './assert-never.js';
export { decodeBase64, encodeBase64 } from './base64.js';
export { bytesEqual, concatBytes } from './bytes.js';
export { ByteReader } from './byte-reader.js';
export { ByteWriter } from './byte-writer.js';
export { type Endpoint, endpoint, endpointsEqual, formatEndpoint, parseEndpoint, type ZoneLookup } from './endpoint.js';
export { classifyDatagram, type DatagramClass } from './datagram-class.js';
export { decodeHex, encodeHex } from './hex.js';
export {
  addDuration,
  type Duration,
  durationBetween,
  type Instant,
  instant,
  milliseconds,
  minutes,
  seconds,
} from './instant.js';
export {
  formatIpAddress,
  type IpAddress,
  ipAddressFromBytes,
  ipAddressScope,
  type IpAddressScope,
  ipAddressesEqual,
  parseIpAddress,
} from './ip-address.js';
export { formatIpPrefix, type IpPrefix, ipPrefix, ipPrefixContains, parseIpPrefix } from './ip-prefix.js';
export { nearestName } from './nearest-name.js';
export {
  comparePublicKeys,
  encodePublicKey,
  parsePublicKey,
  type PublicKey,
  type PublicKeyText,
  publicKeyFromBytes,
  publicKeysEqual,
} from './public-key.js';
export { REPLAY_WINDOW_COUNTERS, REPLAY_WINDOW_WORDS, ReplayWindow } from './replay-window.js';
export { Secret } from './secret.js';
export { ShadowNetError } from './shadownet-error.js';
export { sourceOf, SourceRateLimiter, type SourceRateLimits } from './source-rate-limiter.js';
export { type TimerOwner, TimerQueue } from './timer-queue.js';
export { type RateLimits, TokenBucket } from './token-bucket.js';
export { decodeUtf8, encodeUtf8 } from './utf8.js';
export {
  formatPath,
  localAddressesEqual,
  type Path,
  pathKey,
  pathsEqual,
  type RelayPath,
  relayPath,
  remoteOf,
  type UdpPath,
  udpPath,
  withoutLocalAddress,
} from './path.js';
export { earliestWakeup, type Wakeup } from './wakeup.js';
export { wasmModule, wasmName, wasmSection, wasmSigned, wasmUnsigned } from './wasm-module.js';

// Answers to UAPI requests as bytes: the text of a device for `get`, and `errno` for both.

import {
  type Duration,
  type Endpoint,
  encodeUtf8,
  formatEndpoint,
  formatIpPrefix,
  type IpPrefix,
  type PublicKey,
  type Secret,
} from '@shadownet/primitives';
import type { UapiErrno } from './uapi-errno.js';
import type { UapiOperation } from './uapi-request.js';
import { writeKey } from './uapi-values.js';

/** A device as a `get` shows it. */
export interface UapiDevice {
  readonly privateKey: Secret | undefined;
  /** 0: there is no socket yet. */
  readonly listenPort: number;
  /** 0 is none, and is not shown. */
  readonly firewallMark: number;
  readonly peers: readonly UapiPeer[];
}

export interface UapiPeer {
  readonly publicKey: PublicKey;
  /** All zeros is none. */
  readonly presharedKey: Secret;
  readonly endpoint: Endpoint | undefined;
  /** Wall clock, nanoseconds since the Unix epoch; 0n is never. */
  readonly lastHandshakeNanoseconds: bigint;
  readonly txBytes: number;
  readonly rxBytes: number;
  readonly persistentKeepalive: Duration;
  readonly allowedIps: readonly IpPrefix[];
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** The answer to a `get` that worked. It holds the private key and preshared keys: to be zeroed once it is sent. */
export function encodeGetAnswer(device: UapiDevice): Uint8Array {
  const answer = new AnswerWriter(256 + 512 * device.peers.length);
  if (device.privateKey) answer.key('private_key', device.privateKey.expose());
  if (device.listenPort !== 0) answer.field('listen_port', device.listenPort);
  if (device.firewallMark !== 0) answer.field('fwmark', device.firewallMark);
  for (const peer of device.peers) writePeer(answer, peer);
  answer.field('errno', 0);
  return answer.end();
}

/** The answer to a `set`, or to any request that failed; 0 for one that worked. */
export function encodeErrnoAnswer(operation: UapiOperation, errno: UapiErrno | 0): Uint8Array {
  const signed = operation === 'set' && errno !== 0 ? -errno : errno;
  return encodeUtf8(`errno=${signed}\n\n`);
}

function writePeer(answer: AnswerWriter, peer: UapiPeer): void {
  answer.key('public_key', peer.publicKey);
  answer.key('preshared_key', peer.presharedKey.expose());
  answer.field('protocol_version', 1);
  if (peer.endpoint) answer.field('endpoint', formatEndpoint(peer.endpoint));
  answer.field('last_handshake_time_sec', peer.lastHandshakeNanoseconds / NANOSECONDS_PER_SECOND);
  answer.field('last_handshake_time_nsec', peer.lastHandshakeNanoseconds % NANOSECONDS_PER_SECOND);
  answer.field('tx_bytes', peer.txBytes);
  answer.field('rx_bytes', peer.rxBytes);
  answer.field('persistent_keepalive_interval', Math.round(peer.persistentKeepalive / 1000));
  for (const prefix of peer.allowedIps) answer.field('allowed_ip', formatIpPrefix(prefix));
}

class AnswerWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  field(name: string, value: string | number | bigint): void {
    this.#append(encodeUtf8(`${name}=${value}\n`));
  }

  key(name: string, key: Uint8Array): void {
    const text = writeKey(key);
    this.#append(encodeUtf8(`${name}=`));
    this.#append(text);
    this.#append(LINE_FEED);
    text.fill(0);
  }

  end(): Uint8Array {
    this.#append(LINE_FEED);
    return this.#bytes.subarray(0, this.#length);
  }

  /** Unlike a ByteWriter it leaves no copy of a key behind when it grows. */
  #append(part: Uint8Array): void {
    if (this.#length + part.length > this.#bytes.length) {
      const grown = new Uint8Array(2 * (this.#length + part.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes.fill(0);
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }
}

const LINE_FEED = Uint8Array.of(0x0a);

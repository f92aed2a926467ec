// Collects the lines of one `set=1` into a DeviceChange. Nothing takes effect while lines are read: a request with a mistake
// in its last line changes nothing.

import {
  type Duration,
  type Endpoint,
  parseEndpoint,
  publicKeyFromBytes,
  type PublicKey,
  Secret,
  seconds,
  type ZoneLookup,
} from '@shadownet/primitives';
import type { AllowedIpChange, DeviceChange, PeerChange } from './uapi-request.js';
import { isAllZero, readKey, readNumber, readPrefix, readText } from './uapi-values.js';

const MAX_PORT = 0xffff;
const MAX_MARK = 0xffff_ffff;
const MAX_KEEPALIVE_SECONDS = 0xffff;

interface PeerDraft {
  kind: PeerChange['kind'];
  /** `undefined` for a key of low order: nobody can be reached by it, so its lines are read and mean nothing. */
  readonly publicKey: PublicKey | undefined;
  presharedKey?: Secret | 'none';
  endpoint?: Endpoint;
  persistentKeepalive?: Duration;
  replaceAllowedIps: boolean;
  readonly allowedIps: AllowedIpChange[];
}

export class ChangeBuilder {
  #privateKey: Secret | 'none' | undefined;
  #listenPort: number | undefined;
  #firewallMark: number | undefined;
  #replacePeers = false;
  readonly #peers: PeerDraft[] = [];

  constructor(private readonly zoneNumber?: ZoneLookup) {}

  /** Takes one line. False if there is no such key here, or not with this value. `value` is read during the call only. */
  add(key: string, value: Uint8Array): boolean {
    if (key === 'public_key') return this.#beginPeer(value);
    const peer = this.#peers.at(-1);
    return peer ? addToPeer(peer, key, value, this.zoneNumber) : this.#addToDevice(key, value);
  }

  /** The change, whose secrets now belong to the caller. */
  finish(): DeviceChange {
    return {
      ...(this.#privateKey !== undefined && { privateKey: this.#privateKey }),
      ...(this.#listenPort !== undefined && { listenPort: this.#listenPort }),
      ...(this.#firewallMark !== undefined && { firewallMark: this.#firewallMark }),
      replacePeers: this.#replacePeers,
      peers: this.#peers.flatMap(finishPeer),
    };
  }

  /** Zeroes what was collected, for a request that is refused. */
  discard(): void {
    zero(this.#privateKey);
    for (const peer of this.#peers) zero(peer.presharedKey);
  }

  #addToDevice(key: string, value: Uint8Array): boolean {
    const text = (): string => readText(value) ?? '';
    switch (key) {
      case 'private_key': {
        const privateKey = readSecret(value);
        if (!privateKey) return false;
        zero(this.#privateKey);
        this.#privateKey = privateKey;
        return true;
      }
      case 'listen_port':
        return (this.#listenPort = readNumber(text(), MAX_PORT)) !== undefined;
      case 'fwmark':
        // Nothing is another way to say 0.
        return (this.#firewallMark = readNumber(text() || '0', MAX_MARK)) !== undefined;
      case 'replace_peers':
        return (this.#replacePeers = text() === 'true');
      default:
        return false;
    }
  }

  #beginPeer(value: Uint8Array): boolean {
    const bytes = readKey(value);
    if (!bytes) return false;
    const publicKey = publicKeyFromBytes(bytes);
    this.#peers.push({ kind: 'upsert', publicKey, replaceAllowedIps: false, allowedIps: [] });
    return true;
  }
}

function addToPeer(peer: PeerDraft, key: string, value: Uint8Array, zoneNumber: ZoneLookup | undefined): boolean {
  if (key === 'preshared_key') {
    const presharedKey = readSecret(value);
    if (!presharedKey) return false;
    zero(peer.presharedKey);
    peer.presharedKey = presharedKey;
    return true;
  }
  const text = readText(value);
  if (text === undefined) return false;
  switch (key) {
    case 'remove':
      peer.kind = 'remove';
      return text === 'true';
    case 'update_only':
      if (peer.kind === 'upsert') peer.kind = 'update';
      return text === 'true';
    case 'endpoint': {
      const endpoint = parseEndpoint(text, zoneNumber);
      if (!endpoint) return false;
      peer.endpoint = endpoint;
      return true;
    }
    case 'persistent_keepalive_interval': {
      const interval = readNumber(text, MAX_KEEPALIVE_SECONDS);
      if (interval === undefined) return false;
      peer.persistentKeepalive = seconds(interval);
      return true;
    }
    case 'replace_allowed_ips':
      // What was added by earlier lines of this peer goes as well.
      peer.replaceAllowedIps = true;
      peer.allowedIps.length = 0;
      return text === 'true';
    case 'allowed_ip': {
      const kind = text.startsWith('-') ? 'remove' : 'add';
      const prefix = readPrefix(kind === 'remove' ? text.slice(1) : text);
      if (!prefix) return false;
      peer.allowedIps.push({ kind, prefix });
      return true;
    }
    case 'protocol_version':
      return text === '1';
    default:
      return false;
  }
}

function finishPeer(draft: PeerDraft): PeerChange[] {
  const { kind, publicKey, ...rest } = draft;
  if (!publicKey || kind === 'remove') {
    zero(draft.presharedKey);
    return publicKey ? [{ kind: 'remove', publicKey }] : [];
  }
  return [{ kind, publicKey, ...rest }];
}

/** A 32-byte key, where all zeros stand for none. */
function readSecret(value: Uint8Array): Secret | 'none' | undefined {
  const key = readKey(value);
  if (!key) return undefined;
  return isAllZero(key) ? 'none' : Secret.own(key);
}

function zero(secret: Secret | 'none' | undefined): void {
  if (secret instanceof Secret) secret.zero();
}

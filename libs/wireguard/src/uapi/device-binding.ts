// A device behind the UAPI: applies the peers of a `set`, and describes the peers for a `get`. Keys, port and mark of the
// device itself are its owner's business, who also knows sockets and clocks.

import {
  assertNever,
  encodePublicKey,
  formatIpPrefix,
  type Instant,
  type IpPrefix,
  milliseconds,
  type PublicKey,
  publicKeysEqual,
  remoteOf,
  Secret,
  udpPath,
} from '@shadownet/primitives';
import type { Device } from '../device.js';
import type { DeviceOutput } from '../device-types.js';
import type { UapiPeer } from './uapi-answer.js';
import { UapiErrno } from './uapi-errno.js';
import type { AllowedIpChange, DeviceChange, PeerChange } from './uapi-request.js';

type PeerUpsert = Exclude<PeerChange, { readonly kind: 'remove' }>;

/** ENOSPC if the device is not made for so many peers as it would have in the course of the change; 0 if it is. */
export function checkPeerChanges(device: Device, change: DeviceChange): UapiErrno | 0 {
  const known = new Map<string, boolean>();
  let count = change.replacePeers ? 0 : device.peerCount;
  for (const { kind, publicKey } of change.peers) {
    const text = encodePublicKey(publicKey);
    const exists = known.get(text) ?? (!change.replacePeers && device.hasPeer(publicKey));
    const existsThen = kind === 'upsert' || (kind === 'update' && exists);
    count += Number(existsThen) - Number(exists);
    if (count > device.maxPeers) return UapiErrno.ENOSPC;
    known.set(text, existsThen);
  }
  return 0;
}

/**
 * Applies the peers of a change that passed checkPeerChanges, in its order, and zeroes its preshared keys. A peer with the
 * device's own key is skipped: `ownPublicKey` is that key even while the device has not been given it.
 */
export function applyPeerChanges(
  device: Device,
  change: DeviceChange,
  ownPublicKey: PublicKey | undefined,
  now: Instant,
  out: DeviceOutput,
): void {
  if (change.replacePeers) for (const { publicKey } of device.peerStatuses()) device.removePeer(publicKey, now);
  for (const peer of change.peers) {
    switch (peer.kind) {
      case 'remove':
        device.removePeer(peer.publicKey, now);
        break;
      case 'update':
      case 'upsert': {
        const isOwn = ownPublicKey !== undefined && publicKeysEqual(peer.publicKey, ownPublicKey);
        if (!isOwn && (peer.kind === 'upsert' || device.hasPeer(peer.publicKey))) upsert(device, peer, now, out);
        if (peer.presharedKey instanceof Secret) peer.presharedKey.zero();
        break;
      }
      default:
        assertNever(peer);
    }
  }
}

/** The peers as they are. `wallNanoseconds` turns an instant of the device into nanoseconds since the Unix epoch. */
export function describePeers(device: Device, wallNanoseconds: (at: Instant) => bigint): UapiPeer[] {
  return device.peerStatuses().map((status) => ({
    publicKey: status.publicKey,
    presharedKey: device.presharedKeyOf(status.publicKey)!,
    endpoint: status.path && remoteOf(status.path),
    lastHandshakeNanoseconds: status.lastHandshakeAt === undefined ? 0n : wallNanoseconds(status.lastHandshakeAt),
    txBytes: status.txBytes,
    rxBytes: status.rxBytes,
    persistentKeepalive: status.persistentKeepalive,
    allowedIps: status.allowedIps,
  }));
}

function upsert(device: Device, change: PeerUpsert, now: Instant, out: DeviceOutput): void {
  const { publicKey } = change;
  const status = device.peerStatus(publicKey);
  const kept = change.presharedKey === undefined ? device.presharedKeyOf(publicKey) : undefined;
  const presharedKey = change.presharedKey instanceof Secret ? change.presharedKey : kept;
  device.upsertPeer(
    {
      publicKey,
      ...(presharedKey && { presharedKey }),
      allowedIps: changeAllowedIps(change.replaceAllowedIps ? [] : (status?.allowedIps ?? []), change.allowedIps),
      ...(change.endpoint && { path: udpPath(change.endpoint) }),
      persistentKeepalive: change.persistentKeepalive ?? status?.persistentKeepalive ?? milliseconds(0),
    },
    now,
    out,
  );
  kept?.zero();
}

function changeAllowedIps(current: readonly IpPrefix[], changes: readonly AllowedIpChange[]): IpPrefix[] {
  const prefixes = new Map(current.map((prefix) => [formatIpPrefix(prefix), prefix]));
  for (const { kind, prefix } of changes) {
    if (kind === 'add') prefixes.set(formatIpPrefix(prefix), prefix);
    else prefixes.delete(formatIpPrefix(prefix));
  }
  return [...prefixes.values()];
}

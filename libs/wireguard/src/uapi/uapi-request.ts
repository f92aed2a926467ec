// What a client asks of a device over the cross-platform UAPI (https://www.wireguard.com/xplatform/), parsed and validated.
// Fields that are left out mean: leave it as it is.

import { type Duration, type Endpoint, type IpPrefix, type PublicKey, Secret } from '@shadownet/primitives';
import type { UapiErrno } from './uapi-errno.js';

export type UapiRequest =
  | { readonly kind: 'get' }
  | { readonly kind: 'set'; readonly change: DeviceChange }
  /** To be answered with `errno`, and by closing the connection if what follows cannot be understood any more. */
  | {
      readonly kind: 'invalid';
      readonly operation: UapiOperation;
      readonly errno: UapiErrno;
      /** For logs: names the key at fault, never its value. */
      readonly detail: string;
      readonly connection: 'goes-on' | 'lost';
    };

export type UapiOperation = 'get' | 'set';

/** Everything of one `set=1`, in the order in which it takes effect. */
export interface DeviceChange {
  /** 32 bytes; whoever applies the change zeroes them. */
  readonly privateKey?: Secret | 'none';
  /** 0 means: any free port. */
  readonly listenPort?: number;
  /** 0 means: none. */
  readonly firewallMark?: number;
  /** Remove all peers first. */
  readonly replacePeers: boolean;
  readonly peers: readonly PeerChange[];
}

export type PeerChange =
  | { readonly kind: 'remove'; readonly publicKey: PublicKey }
  | {
      /** 'update': nothing happens if there is no such peer. */
      readonly kind: 'upsert' | 'update';
      readonly publicKey: PublicKey;
      /** 32 bytes; whoever applies the change zeroes them. */
      readonly presharedKey?: Secret | 'none';
      readonly endpoint?: Endpoint;
      /** 0 is off. */
      readonly persistentKeepalive?: Duration;
      /** Take all allowed IPs from the peer first. */
      readonly replaceAllowedIps: boolean;
      readonly allowedIps: readonly AllowedIpChange[];
    };

export interface AllowedIpChange {
  readonly kind: 'add' | 'remove';
  readonly prefix: IpPrefix;
}

/** Zeroes the secrets of a change that is not applied after all. */
export function discardChange({ privateKey, peers }: DeviceChange): void {
  if (privateKey instanceof Secret) privateKey.zero();
  for (const peer of peers) {
    if (peer.kind !== 'remove' && peer.presharedKey instanceof Secret) peer.presharedKey.zero();
  }
}

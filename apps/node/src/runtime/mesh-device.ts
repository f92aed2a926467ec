// The node's own interface as the WireGuard UAPI describes it: to be looked at with `wg show`, and not to be set. Who the peers
// are is the network map's business, their endpoints are the path agent's, key and port the node's. Served by uapi-service.ts.

import type { Tunnel } from '@shadownet/tunnel';
import type { UapiTarget } from '@shadownet/uapi';
import type { UdpSocket } from '@shadownet/udp';
import { type DeviceChange, type UapiDevice, UapiErrno } from '@shadownet/wireguard';
import { wallNanosecondsAt } from './clock.js';

export class MeshDevice implements UapiTarget {
  readonly #tunnel: Tunnel;
  readonly #socket: UdpSocket;

  constructor(tunnel: Tunnel, socket: UdpSocket) {
    this.#tunnel = tunnel;
    this.#socket = socket;
  }

  /** Without any secret (docs/security.md): no private key, and all-zero preshared keys, which means none. */
  describe(): UapiDevice {
    const peers = this.#tunnel.describePeers(wallNanosecondsAt);
    for (const { presharedKey } of peers) presharedKey.zero();
    return { privateKey: undefined, listenPort: this.#socket.port, firewallMark: 0, peers };
  }

  /** EPERM for all that would change something. */
  apply(change: DeviceChange): UapiErrno | 0 {
    return isEmpty(change) ? 0 : UapiErrno.EPERM;
  }
}

function isEmpty({ privateKey, listenPort, firewallMark, replacePeers, peers }: DeviceChange): boolean {
  const fields = [privateKey, listenPort, firewallMark];
  return fields.every((field) => field === undefined) && !replacePeers && peers.length === 0;
}

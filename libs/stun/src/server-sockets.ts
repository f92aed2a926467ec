// The sockets of one STUN server, and which of them answers a CHANGE-REQUEST (RFC 5780 §6.1). Used by BindingServer.
//
//                    first port      second port
//     primary          socket 0        socket 1        change port: →   change address: ↓
//     alternate        socket 2        socket 3

import type { Endpoint } from '@shadownet/primitives';

export interface ServerSocket {
  /** On which of the server's addresses it listens. */
  readonly host: 'primary' | 'alternate';
  readonly port: number;
  /** As clients see it; absent where the server doesn't know, because it listens on all addresses. */
  readonly endpoint?: Endpoint;
}

export class ServerSockets {
  constructor(readonly all: readonly ServerSocket[]) {}

  /**
   * The index of the socket to answer from; `undefined` if there is none like that. "Another port" is the next one in the
   * order of the list, so that with two ports each is the other's.
   */
  changed(index: number, change: { readonly address: boolean; readonly port: boolean }): number | undefined {
    const { host, port } = this.all[index]!;
    const wantedHost = change.address ? (host === 'primary' ? 'alternate' : 'primary') : host;
    const wantedPort = change.port ? this.#nextPort(port) : port;
    if (wantedPort === undefined) return undefined;
    const found = this.all.findIndex((socket) => socket.host === wantedHost && socket.port === wantedPort);
    return found < 0 ? undefined : found;
  }

  /** What OTHER-ADDRESS says on this socket: only a server with a second address has one (RFC 5780 §7.4). */
  otherAddress(index: number): Endpoint | undefined {
    const other = this.changed(index, { address: true, port: true });
    return other === undefined ? undefined : this.all[other]!.endpoint;
  }

  #nextPort(port: number): number | undefined {
    const ports = [...new Set(this.all.map((socket) => socket.port))];
    return ports.length < 2 ? undefined : ports[(ports.indexOf(port) + 1) % ports.length];
  }
}

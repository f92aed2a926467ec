// The relay's socket on node:dgram: one datagram at a time, on every platform.

import { formatEndpoint, ipAddressScope, parseIpAddress } from '@shadownet/primitives';
import type { RelayLink } from '@shadownet/relay';
import { openPortableUdp, type UdpSocket } from '@shadownet/udp';
import type { FrameHandler, RelayUdp, RelayUdpCounters, UdpOptions } from './relay-udp.js';

export async function openPortableRelayUdp({ address: text, port }: UdpOptions): Promise<RelayUdp> {
  const address = parseIpAddress(text);
  if (!address) throw new RangeError(`address ${text}`);
  const isAny = ipAddressScope(address) === 'unspecified';
  const family = address.family === 6 ? 'dual' : 'ipv4';
  return new PortableRelayUdp(await openPortableUdp(isAny ? { port, family } : { port, address }));
}

class PortableRelayUdp implements RelayUdp {
  readonly kind = 'portable';
  readonly port: number;

  constructor(private readonly socket: UdpSocket) {
    this.port = socket.port;
  }

  get counters(): RelayUdpCounters {
    const { datagramsReceived, datagramsSent, sendErrors } = this.socket.counters;
    return { received: datagramsReceived, sent: datagramsSent, sendErrors };
  }

  start(onFrame: FrameHandler, onTurnEnd: () => void): void {
    this.socket.onDatagram((datagram, from) => {
      onFrame(datagram, 0, datagram.length, { kind: 'udp', id: formatEndpoint(from), endpoint: from });
      onTurnEnd();
    });
  }

  send(bytes: Uint8Array, at: number, length: number, { endpoint }: RelayLink): void {
    this.socket.send(bytes.subarray(at, at + length), endpoint);
  }

  close(): Promise<void> {
    return this.socket.close();
  }
}

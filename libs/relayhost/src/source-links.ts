// The links of UDP sources. A cache of fixed size, by the source's port: one that was pushed out gets an equal link again.

import type { ReceiveHeader } from '@shadownet/native';
import { formatEndpoint, type IpAddress } from '@shadownet/primitives';
import type { RelayLink } from '@shadownet/relay';

export interface UdpLink extends RelayLink {
  /** The address of ours that the client speaks to, from which it has to be answered. */
  readonly local: IpAddress | undefined;
}

/** A power of two. */
const PLACES = 4096;

export class SourceLinks {
  readonly #places: (UdpLink | undefined)[] = Array<UdpLink | undefined>(PLACES).fill(undefined);

  /** Of the receive that the header has parsed. */
  linkOf(header: ReceiveHeader): UdpLink {
    const port = header.sourcePort;
    const known = this.#places[port & (PLACES - 1)];
    if (known) {
      const { address, port: itsPort, zone = 0 } = known.endpoint;
      if (header.isFrom(address.bytes, itsPort, zone) && header.isTo(known.local?.bytes)) return known;
    }
    const endpoint = header.source();
    const link: UdpLink = { kind: 'udp', id: formatEndpoint(endpoint), endpoint, local: header.local() };
    this.#places[port & (PLACES - 1)] = link;
    return link;
  }
}

// By which protocols the gateway offers port mappings: asks each without mapping anything. Used by netcheck.

import {
  decodeNatPmpResponse,
  decodePcpResponse,
  encodeNatPmpAddressRequest,
  encodePcpAnnounce,
  GATEWAY_PORT,
} from '@shadownet/paths';
import { endpoint, endpointsEqual, type IpAddress } from '@shadownet/primitives';
import { openPortableUdp } from '@shadownet/udp';
import type { Gateway } from './default-gateway.js';
import { IgdClient } from './igd-client.js';
import { discoverUpnp } from './upnp-discovery.js';

export interface Offer {
  readonly protocol: 'pcp' | 'nat-pmp' | 'upnp-igd';
  /** Where the protocol tells it. */
  readonly externalAddress: IpAddress | undefined;
}

const ASK_AT_MS = [0, 250, 750];
const PATIENCE_MS = 1500;

/** Throws UdpError. */
export async function findOffers(gateway: Gateway): Promise<Offer[]> {
  const [byUdp, byUpnp] = await Promise.all([findUdpOffers(gateway), findUpnpOffer(gateway)]);
  return [...byUdp, ...byUpnp];
}

async function findUdpOffers({ address, local }: Gateway): Promise<Offer[]> {
  const socket = await openPortableUdp({ address: local });
  const server = endpoint(address, GATEWAY_PORT);
  const offers = new Map<Offer['protocol'], Offer>();
  const timers: NodeJS.Timeout[] = [];
  try {
    await new Promise<void>((resolve) => {
      socket.onDatagram((datagram, from) => {
        if (!endpointsEqual(from, server)) return;
        const pcp = decodePcpResponse(datagram);
        if (pcp?.kind === 'announce' && pcp.result === 0) {
          offers.set('pcp', { protocol: 'pcp', externalAddress: undefined });
        }
        const natPmp = decodeNatPmpResponse(datagram);
        if (natPmp?.kind === 'external-address') {
          offers.set('nat-pmp', { protocol: 'nat-pmp', externalAddress: natPmp.address });
        }
        if (offers.size === 2) resolve();
      });
      for (const delay of ASK_AT_MS) {
        timers.push(
          setTimeout(() => {
            if (!offers.has('pcp')) socket.send(encodePcpAnnounce(local), server);
            if (!offers.has('nat-pmp')) socket.send(encodeNatPmpAddressRequest(), server);
          }, delay),
        );
      }
      timers.push(setTimeout(resolve, PATIENCE_MS));
    });
  } finally {
    timers.forEach(clearTimeout);
    await socket.close();
  }
  return [...offers.values()];
}

async function findUpnpOffer(gateway: Gateway): Promise<Offer[]> {
  const location = await discoverUpnp(gateway);
  const client = location && (await IgdClient.open(gateway, location));
  if (!client) return [];
  const address = await client.externalAddress();
  await client.close();
  return [{ protocol: 'upnp-igd', externalAddress: address.ok ? address.value : undefined }];
}

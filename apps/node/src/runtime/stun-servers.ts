// Which STUN servers the node asks: those of its configuration, or those that the control server announces.

import { lookup } from 'node:dns/promises';
import { type Endpoint, endpoint, parseIpAddress } from '@shadownet/primitives';
import type { HostAndPort } from '../config.js';

/** What `GET /api/v1/server` and a registration announce. */
export interface StunAnnouncement {
  readonly stun_host: string | null;
  readonly stun_ports: readonly number[];
}

/** Without a host of its own the announcement means the host by which the API was reached. */
export function announcedStunServers({ stun_host, stun_ports }: StunAnnouncement, control: URL): HostAndPort[] {
  const host = stun_host ?? control.hostname.replace(/^\[|\]$/g, '');
  return stun_ports.map((port) => ({ host, port }));
}

/** The servers' addresses: the first of each family that the socket can send to. Names that are not found are left out. */
export async function resolveStunServers(
  servers: readonly HostAndPort[],
  families: readonly (4 | 6)[],
): Promise<Endpoint[]> {
  const resolved = await Promise.all(
    servers.map(async ({ host, port }) => {
      const addresses = await lookup(host, { all: true }).catch(() => []);
      return families.flatMap((family) => {
        const found = addresses.find((address) => address.family === family);
        const address = found && parseIpAddress(found.address);
        return address ? [endpoint(address, port)] : [];
      });
    }),
  );
  return resolved.flat();
}

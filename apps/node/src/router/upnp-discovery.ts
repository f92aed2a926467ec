// Finds the UPnP service of the gateway by SSDP (UPnP Device Architecture 1.1, §1.3.2). Whoever else answers is ignored: any
// host of the LAN can say that it is a router.

import {
  decodeUtf8,
  encodeUtf8,
  endpoint,
  formatIpAddress,
  type IpAddress,
  ipAddressesEqual,
  parseIpAddress,
} from '@shadownet/primitives';
import { openPortableUdp } from '@shadownet/udp';
import type { Gateway } from './default-gateway.js';

const SSDP_PORT = 1900;
const SSDP_GROUP = parseIpAddress('239.255.255.250')!;
/** Newer versions answer for this one, too. */
const TARGET = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
/** A device may take up to MX seconds before it answers. */
const MX_SECONDS = 1;
const SEARCHES_AT_MS = [0, 500, 1000];
const PATIENCE_MS = 2500;

/** Where the gateway's description is; `undefined` if it does not answer. Throws UdpError. */
export async function discoverUpnp({ address, local }: Gateway, signal?: AbortSignal): Promise<URL | undefined> {
  const socket = await openPortableUdp({ address: local });
  const timers: NodeJS.Timeout[] = [];
  try {
    return await new Promise((resolve) => {
      socket.onDatagram((datagram, from) => {
        const location = ipAddressesEqual(from.address, address) ? locationIn(datagram, address) : undefined;
        if (location) resolve(location);
      });
      const search = (): void => {
        // To the group, as the standard wants it, and to the gateway alone, where multicast does not get through.
        socket.send(searchFor(SSDP_GROUP), endpoint(SSDP_GROUP, SSDP_PORT));
        socket.send(searchFor(address), endpoint(address, SSDP_PORT));
      };
      for (const delay of SEARCHES_AT_MS) timers.push(setTimeout(search, delay));
      timers.push(setTimeout(() => resolve(undefined), PATIENCE_MS));
      signal?.addEventListener('abort', () => resolve(undefined), { once: true });
    });
  } finally {
    timers.forEach(clearTimeout);
    await socket.close();
  }
}

function searchFor(host: IpAddress): Uint8Array {
  const lines = [
    'M-SEARCH * HTTP/1.1',
    `HOST: ${formatIpAddress(host)}:${SSDP_PORT}`,
    'MAN: "ssdp:discover"',
    `MX: ${MX_SECONDS}`,
    `ST: ${TARGET}`,
  ];
  return encodeUtf8(`${lines.join('\r\n')}\r\n\r\n`);
}

/** The LOCATION of an answer for a gateway device, if it is on the gateway itself. */
export function locationIn(datagram: Uint8Array, gateway: IpAddress): URL | undefined {
  const text = decodeUtf8(datagram) ?? '';
  if (!/^HTTP\/1\.[01] 200\b/.test(text) || !/^ST:.*:InternetGatewayDevice:\d\s*$/im.test(text)) return undefined;
  const value = /^LOCATION:[ \t]*(\S+)\s*$/im.exec(text)?.[1];
  return value === undefined ? undefined : urlOn(gateway, value);
}

/** `text` as an HTTP URL on that very host, relative to `base` if given. */
export function urlOn(host: IpAddress, text: string, base?: URL): URL | undefined {
  if (!URL.canParse(text, base?.href)) return undefined;
  const url = new URL(text, base);
  const address = parseIpAddress(url.hostname);
  return url.protocol === 'http:' && address && ipAddressesEqual(address, host) ? url : undefined;
}

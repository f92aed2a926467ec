// Zones of link-local endpoints (RFC 4007 §11) as `wg` writes them: the name of an interface, or its number.

import { interfaceIndex, NativeError } from '@shadownet/native';

/** Of an interface in the network namespace of the process, where its UDP socket is as well; `undefined` if there is none. */
export function zoneNumber(zone: string): number | undefined {
  if (/^[!-~]{1,15}$/.test(zone)) {
    try {
      return interfaceIndex(zone);
    } catch (error) {
      if (!(error instanceof NativeError) || error.errno !== 'ENODEV') throw error;
    }
  }
  return /^[1-9]\d{0,8}$/.test(zone) ? Number(zone) : undefined;
}

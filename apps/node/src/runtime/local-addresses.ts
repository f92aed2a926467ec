// The addresses of this host's interfaces, all of them: what a server sees is one of these, or there is a NAT.

import { type IpAddress, parseIpAddress } from '@shadownet/primitives';
import type { Interfaces } from './candidate-gatherer.js';

export function localAddresses(interfaces: Interfaces): IpAddress[] {
  return Object.values(interfaces).flatMap(
    (infos) => infos?.flatMap(({ address }) => parseIpAddress(address) ?? []) ?? [],
  );
}

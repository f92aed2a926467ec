// Host candidates (RFC 8445 §5.1.1.1): the addresses of this host at which a peer in the same network may reach it. What only
// looks like a way in (other tunnels, the bridges of containers and virtual machines, the overlay itself) is left out.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { NetworkInterfaceInfo } from 'node:os';
import {
  type Endpoint,
  endpoint,
  type IpAddress,
  ipAddressScope,
  type IpPrefix,
  ipPrefixContains,
  parseIpAddress,
} from '@shadownet/primitives';

/** What os.networkInterfaces() answers. */
export type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** How an interface came to be, as far as the system tells. */
export type InterfaceKind = 'link' | 'tunnel' | 'virtual-bridge';

export interface CandidateQuestion {
  /** Of the node's UDP socket. */
  readonly port: number;
  readonly families: readonly (4 | 6)[];
  /** The mesh's own addresses. */
  readonly overlay: readonly IpPrefix[];
}

/** Leaves room for reflexive ones among the 16 that a node may announce. */
export const MAX_HOST_CANDIDATES = 12;

/** Made by container runtimes, hypervisors and other VPNs; what the system says of an interface goes beyond these names. */
const VIRTUAL_NAMES =
  /^(docker|br-|virbr|lxcbr|lxdbr|podman|cni|flannel|cali|kube|vmnet|vboxnet|wg|tun|tap|utun|tailscale|zt|nebula|ppp|ipsec|shadownet)/;

/** ARPHRD_ numbers (include/uapi/linux/if_arp.h) of tunnels: PPP, IPIP, IP6IP6, SIT, GRE, NONE (TUN, WireGuard), IP6GRE. */
const TUNNEL_TYPES = new Set(['512', '768', '769', '776', '778', '65534', '823']);

/** The endpoints, in the order of the interfaces, IPv4 before IPv6 so that the limit hits temporary IPv6 addresses first. */
export function hostCandidates(
  interfaces: Interfaces,
  { port, families, overlay }: CandidateQuestion,
  kindOf: (name: string) => InterfaceKind = interfaceKind,
): Endpoint[] {
  const found: IpAddress[] = [];
  for (const [name, infos] of Object.entries(interfaces)) {
    if (!infos || VIRTUAL_NAMES.test(name) || kindOf(name) !== 'link') continue;
    for (const { address: text, internal } of infos) {
      const address = internal ? undefined : parseIpAddress(text);
      if (!address || !families.includes(address.family) || !isReachableScope(address)) continue;
      if (!overlay.some((prefix) => ipPrefixContains(prefix, address))) found.push(address);
    }
  }
  found.sort((a, b) => a.family - b.family);
  return found.slice(0, MAX_HOST_CANDIDATES).map((address) => endpoint(address, port));
}

/** Link-local addresses lack their interface once they are announced, and the rest reaches nobody else. */
function isReachableScope(address: IpAddress): boolean {
  const scope = ipAddressScope(address);
  return scope === 'global' || scope === 'private' || scope === 'shared';
}

/** Asks sysfs. A bridge with a physical port is how many servers reach their network; one without connects guests only. */
export function interfaceKind(name: string): InterfaceKind {
  const folder = `/sys/class/net/${name}`;
  if (existsSync(`${folder}/tun_flags`) || TUNNEL_TYPES.has(readOrNothing(`${folder}/type`))) return 'tunnel';
  if (!existsSync(`${folder}/brif`)) return 'link';
  const ports = listOrNothing(`${folder}/brif`);
  return ports.some((port) => existsSync(`/sys/class/net/${port}/device`)) ? 'link' : 'virtual-bridge';
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function listOrNothing(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

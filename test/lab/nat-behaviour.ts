// NATs as data, in the terms of RFC 4787, and the iptables rules that make a Linux router behave like each of them.
// `ext` is the router's outer device, `int` the bridge of its LAN.

export type NatBehaviour =
  /** Endpoint-independent mapping, address-and-port-dependent filtering: the usual home router. */
  | { readonly kind: 'port-restricted' }
  /** Address-and-port-dependent mapping with random ports ("symmetric"). */
  | { readonly kind: 'hard' }
  /** Endpoint-independent mapping and filtering. All unsolicited UDP goes to `inside`. */
  | { readonly kind: 'full-cone'; readonly inside: string }
  /** Endpoint-independent mapping, address-dependent filtering. UDP from known addresses goes to `inside`. */
  | { readonly kind: 'address-restricted'; readonly inside: string }
  /** A firewall that lets no UDP through; TCP passes. */
  | { readonly kind: 'udp-blocked' };

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export type IptablesRule = readonly string[];

/**
 * The filter rules of every router, as home routers have them. Without them an unsolicited datagram leaves a conntrack entry on the
 * router itself, the later outbound one finds its port taken and is given another, and punching fails as in no real network.
 */
export function filterRules(behaviour: NatBehaviour): IptablesRule[] {
  const rules: IptablesRule[] = [
    ['-A', 'INPUT', '-i', 'ext', '-j', 'DROP'],
    // DNAT is conntrack's name for a flow that one of the rules of `preroutingRules` has let in.
    ['-A', 'FORWARD', '-i', 'ext', '-m', 'conntrack', '!', '--ctstate', 'ESTABLISHED,RELATED,DNAT', '-j', 'DROP'],
  ];
  if (behaviour.kind === 'udp-blocked') rules.push(['-A', 'FORWARD', '-p', 'udp', '-j', 'DROP']);
  if (behaviour.kind === 'address-restricted') {
    rules.push(['-A', 'FORWARD', '-o', 'ext', '-p', 'udp', '-m', 'recent', '--name', 'sent-to', '--rdest', '--set']);
  }
  return rules;
}

/** What lets unsolicited UDP in: nothing for most NATs. */
export function preroutingRules(behaviour: NatBehaviour): IptablesRule[] {
  const toInside = (inside: string): string[] => ['-j', 'DNAT', '--to-destination', inside];
  const udpFromOutside = ['-t', 'nat', '-A', 'PREROUTING', '-i', 'ext', '-p', 'udp'];
  switch (behaviour.kind) {
    case 'full-cone':
      return [[...udpFromOutside, ...toInside(behaviour.inside)]];
    case 'address-restricted': {
      const knownSource = ['-m', 'recent', '--name', 'sent-to', '--rsource', '--rcheck'];
      return [[...udpFromOutside, ...knownSource, ...toInside(behaviour.inside)]];
    }
    case 'port-restricted':
    case 'hard':
    case 'udp-blocked':
      return [];
    default:
      return assertNever(behaviour);
  }
}

/** The translation itself. With `udpPorts` all UDP leaves from that range. */
export function postroutingRules(behaviour: NatBehaviour, udpPorts?: PortRange): IptablesRule[] {
  const masquerade = ['-t', 'nat', '-A', 'POSTROUTING', '-o', 'ext', '-j', 'MASQUERADE'];
  if (behaviour.kind === 'hard') return [[...masquerade, '--random-fully']];
  if (udpPorts === undefined) return [masquerade];
  const range = `${String(udpPorts.from)}-${String(udpPorts.to)}`;
  const ranged = ['-t', 'nat', '-A', 'POSTROUTING', '-o', 'ext', '-p', 'udp', '-j', 'MASQUERADE', '--to-ports', range];
  return [ranged, masquerade];
}

function assertNever(value: never): never {
  throw new TypeError(`unknown NAT behaviour ${JSON.stringify(value)}`);
}

// Address texts of node:dgram to values and back, without parsing or printing each packet's address anew.

import { networkInterfaces } from 'node:os';

import { type Endpoint, formatIpAddress, type IpAddress, parseIpAddress } from '@shadownet/primitives';

/** Enough for the peers of a large mesh; 65,536 forged sources cannot make it grow. */
const CAPACITY = 1024;

/** An endpoint without its port. */
export type ZonedAddress = Pick<Endpoint, 'address' | 'zone'>;

export class AddressCache {
  readonly #parsed = new Map<string, ZonedAddress>();
  /** Keyed by the value itself: a path's address lives as long as the path and is printed once. */
  readonly #printed = new WeakMap<IpAddress, string>();

  /** @param mapped whether IPv4 is spelled in IPv4-mapped form, as a dual-stack socket wants it */
  constructor(readonly mapped: boolean) {}

  /** The address of `text` as dgram reports it: an IPv4-mapped address becomes IPv4. */
  parse(text: string): ZonedAddress | undefined {
    const known = this.#parsed.get(text);
    if (known) return known;
    const [plain, interfaceName] = text.split('%') as [string, string | undefined];
    const address = parseIpAddress(plain);
    if (!address) return undefined;
    const zone = interfaceName === undefined ? undefined : zones().get(interfaceName);
    const zoned = { address, ...(zone !== undefined && { zone }) };
    if (this.#parsed.size >= CAPACITY) this.#forgetOldest();
    this.#parsed.set(text, zoned);
    return zoned;
  }

  /** The text by which dgram sends to an address. */
  print({ address, zone }: ZonedAddress): string {
    let text = this.#printed.get(address);
    if (text === undefined) {
      const plain = formatIpAddress(address);
      text = this.mapped && address.family === 4 ? `::ffff:${plain}` : plain;
      if (zone !== undefined) text += `%${nameOf(zone)}`;
      this.#printed.set(address, text);
    }
    return text;
  }

  /** Addresses held for `parse`. */
  get size(): number {
    return this.#parsed.size;
  }

  #forgetOldest(): void {
    for (const oldest of this.#parsed.keys()) {
      this.#parsed.delete(oldest);
      return;
    }
  }
}

/** The numbers of interfaces that have a link-local address, by name. */
function zones(): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    for (const each of addresses) if (each.family === 'IPv6' && each.scopeid > 0) numbers.set(name, each.scopeid);
  }
  return numbers;
}

/** The number itself where there is no such interface, which dgram then refuses. */
function nameOf(zone: number): string {
  for (const [name, number] of zones()) if (number === zone) return name;
  return String(zone);
}

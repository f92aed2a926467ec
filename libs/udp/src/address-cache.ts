// Address texts of node:dgram to values and back, without parsing or printing each packet's address anew.

import { formatIpAddress, type IpAddress, parseIpAddress } from '@shadownet/primitives';

/** Enough for the peers of a large mesh; 65,536 forged sources cannot make it grow. */
const CAPACITY = 1024;

export class AddressCache {
  readonly #parsed = new Map<string, IpAddress>();
  /** Keyed by the value itself: a path's address lives as long as the path and is printed once. */
  readonly #printed = new WeakMap<IpAddress, string>();

  /** @param mapped whether IPv4 is spelled in IPv4-mapped form, as a dual-stack socket wants it */
  constructor(readonly mapped: boolean) {}

  /** The address of `text` as dgram reports it: a zone is ignored, an IPv4-mapped address becomes IPv4. */
  parse(text: string): IpAddress | undefined {
    const known = this.#parsed.get(text);
    if (known) return known;
    const zone = text.indexOf('%');
    const address = parseIpAddress(zone < 0 ? text : text.slice(0, zone));
    if (!address) return undefined;
    if (this.#parsed.size >= CAPACITY) this.#forgetOldest();
    this.#parsed.set(text, address);
    return address;
  }

  /** The text by which dgram sends to `address`. */
  print(address: IpAddress): string {
    let text = this.#printed.get(address);
    if (text === undefined) {
      const plain = formatIpAddress(address);
      text = this.mapped && address.family === 4 ? `::ffff:${plain}` : plain;
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

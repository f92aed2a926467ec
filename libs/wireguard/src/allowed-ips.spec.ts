import {
  formatIpPrefix,
  ipAddressFromBytes,
  type IpPrefix,
  ipPrefix,
  ipPrefixContains,
  parseIpAddress,
  parseIpPrefix,
} from '@shadownet/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AllowedIps } from './allowed-ips.js';

const prefix = (text: string): IpPrefix => parseIpPrefix(text)!;

/** A list, searched from end to end: obviously right. */
class NaiveRouter {
  #routes: { prefix: IpPrefix; owner: number }[] = [];

  insert(route: IpPrefix, owner: number): void {
    this.#routes = this.#routes.filter((other) => formatIpPrefix(other.prefix) !== formatIpPrefix(route));
    this.#routes.push({ prefix: route, owner });
  }

  remove(route: IpPrefix, owner: number): void {
    this.#routes = this.#routes.filter(
      (other) => other.owner !== owner || formatIpPrefix(other.prefix) !== formatIpPrefix(route),
    );
  }

  removeOwner(owner: number): void {
    this.#routes = this.#routes.filter((route) => route.owner !== owner);
  }

  ownerOf(bytes: Uint8Array): number | undefined {
    const address = { family: bytes.length === 4 ? 4 : 6, bytes } as const;
    return this.#routes
      .filter((route) => ipPrefixContains(route.prefix, address))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0]?.owner;
  }

  prefixesOf(owner: number): string[] {
    return this.#routes.filter((route) => route.owner === owner).map((route) => formatIpPrefix(route.prefix));
  }
}

describe('allowed IPs', () => {
  it('finds the longest prefix', () => {
    const table = new AllowedIps<string>();
    table.insert(prefix('0.0.0.0/0'), 'default');
    table.insert(prefix('10.0.0.0/8'), 'ten');
    table.insert(prefix('10.1.2.3/32'), 'host');
    const ownerOf = (text: string): string | undefined => table.ownerOf(parseIpAddress(text)!);
    expect(['10.1.2.3', '10.1.2.4', '11.0.0.1'].map(ownerOf)).toEqual(['host', 'ten', 'default']);
    expect(ownerOf('::1')).toBeUndefined();
  });

  it('moves a prefix to whoever got it last', () => {
    const table = new AllowedIps<string>();
    table.insert(prefix('10.0.0.0/8'), 'a');
    table.insert(prefix('10.0.0.0/8'), 'b');
    expect(table.ownerOf(parseIpAddress('10.0.0.1')!)).toBe('b');
    expect(table.prefixesOf('a')).toEqual([]);
    expect(table.remove(prefix('10.0.0.0/8'), 'a')).toBe(false);
    expect(table.remove(prefix('10.0.0.0/8'), 'b')).toBe(true);
    expect(table.isEmpty).toBe(true);
  });

  it('reads addresses from the middle of a packet', () => {
    const table = new AllowedIps<string>();
    table.insert(prefix('fd00::/16'), 'v6');
    const packet = new Uint8Array(60).fill(0xff);
    packet.set(parseIpAddress('fd00::1')!.bytes, 24);
    expect(table.lookup(6, packet, 24)).toBe('v6');
    expect(table.lookup(6, packet, 25)).toBeUndefined();
  });

  it('equals a list searched from end to end, under random changes', () => {
    // Few distinct bits, so that prefixes meet, nest and part often.
    const byte = fc.constantFrom(0, 1, 2, 127, 128, 254, 255);
    const bytes = fc.oneof(
      fc.array(byte, { minLength: 4, maxLength: 4 }),
      // The first byte keeps clear of IPv4-mapped addresses.
      fc.array(byte, { minLength: 15, maxLength: 15 }).map((rest) => [0xfd, ...rest]),
    );
    const route = fc
      .tuple(bytes, fc.nat(128))
      .map(([raw, length]) => ipPrefix(ipAddressFromBytes(Uint8Array.from(raw)), length % (raw.length * 8 + 1)));
    const change = fc.record({
      action: fc.constantFrom('insert', 'insert', 'insert', 'remove', 'removeOwner'),
      route,
      owner: fc.integer({ min: 1, max: 5 }),
    });
    const scenario = fc.tuple(fc.array(change, { maxLength: 60 }), fc.array(bytes, { minLength: 20, maxLength: 40 }));
    fc.assert(
      fc.property(scenario, ([changes, queries]) => {
        const table = new AllowedIps<number>();
        const naive = new NaiveRouter();
        for (const { action, route, owner } of changes) {
          for (const router of [table, naive]) {
            if (action === 'removeOwner') router.removeOwner(owner);
            else router[action](route, owner);
          }
          const addresses = [...queries.map((raw) => Uint8Array.from(raw)), route.address.bytes];
          for (const address of addresses) {
            const family = address.length === 4 ? 4 : 6;
            expect(table.lookup(family, address, 0)).toBe(naive.ownerOf(address));
          }
        }
        for (let owner = 1; owner <= 5; owner++) {
          expect(table.prefixesOf(owner).map(formatIpPrefix).sort()).toEqual(naive.prefixesOf(owner).sort());
          table.removeOwner(owner);
        }
        expect(table.isEmpty).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});

import { endpoint, formatEndpoint, instant, milliseconds, parseIpAddress, seconds } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { Firewall, FirewallBehaviours } from './firewall.js';
import { buildSite, NAT_KINDS, type NatKind } from './nat-kinds.js';
import { SeededRandom } from './seeded-random.js';
import { type LinkQuality, PERFECT_LINK, SimulatedNetwork, type SimulatedSocket } from './simulated-network.js';
import { SimulatedRelay } from './simulated-relay.js';

const address = (text: string) => parseIpAddress(text)!;

/** Two hosts on one link. */
function link(quality: LinkQuality, seed = 1): { network: SimulatedNetwork; a: SimulatedSocket; b: SimulatedSocket } {
  const network = new SimulatedNetwork(new SeededRandom(seed), { internet: quality });
  const a = network.socket(network.internet, address('203.0.113.1'), 1);
  const b = network.socket(network.internet, address('203.0.113.2'), 2);
  return { network, a, b };
}

function numbersReceived(quality: LinkQuality, seed = 1): number[] {
  const { network, a, b } = link(quality, seed);
  const received: number[] = [];
  b.onDatagram(([number]) => received.push(number!));
  for (let i = 0; i < 200; i++) network.at(instant(i), () => a.send(Uint8Array.of(i), b.local));
  network.run(seconds(5));
  return received;
}

describe('a link', () => {
  const steady: LinkQuality = { delay: [milliseconds(10), milliseconds(10)], loss: 0 };

  it('keeps the order unless told otherwise', () => {
    const received = numbersReceived(steady);
    expect(received).toEqual([...received].sort((a, b) => a - b));
    const reordered = numbersReceived({ ...steady, reordering: 0.1 });
    expect(reordered).toHaveLength(200);
    expect(reordered).not.toEqual(received);
  });

  it('loses the share it is told to, the same ones for the same seed', () => {
    const lossy = { ...steady, loss: 0.2 };
    const received = numbersReceived(lossy);
    expect(received.length).toBeGreaterThan(140);
    expect(received.length).toBeLessThan(180);
    expect(numbersReceived(lossy)).toEqual(received);
    expect(numbersReceived(lossy, 2)).not.toEqual(received);
  });

  it('drops what is larger than its MTU, headers included', () => {
    const { network, a, b } = link({ ...steady, mtu: 1280 });
    const sizes: number[] = [];
    b.onDatagram(({ length }) => sizes.push(length));
    for (const size of [1252, 1253]) a.send(new Uint8Array(size), b.local);
    network.run(seconds(1));
    expect(sizes).toEqual([1252]);
  });
});

describe('a firewall', () => {
  it('lets in answers to what went out, and for its lifetime only', () => {
    const network = new SimulatedNetwork(new SeededRandom(1));
    const inside = address('2001:db8::2');
    const lan = network.lan('lan', new Firewall([inside], FirewallBehaviours.stateful));
    const host = network.socket(lan, inside, 1);
    const server = network.socket(network.internet, address('2001:db8:1::2'), 2);
    let heard = 0;
    host.onDatagram(() => (heard += 1));
    const say = (from: SimulatedSocket, to: SimulatedSocket): void => {
      from.send(Uint8Array.of(1), to.local);
      network.run(seconds(1));
    };
    say(server, host);
    expect(heard).toBe(0);
    say(host, server);
    say(server, host);
    expect(heard).toBe(1);
    network.run(seconds(120));
    say(server, host);
    expect(heard).toBe(1);
  });
});

describe('a site', () => {
  /** Where a server on the internet sees a host of the site, per family. */
  function seenFrom(kind: NatKind, servers: readonly string[]): string[] {
    const random = new SeededRandom(1);
    const network = new SimulatedNetwork(random);
    const { interfaces } = buildSite(network, NAT_KINDS[kind], 3, random);
    const seen: string[] = [];
    for (const [i, server] of servers.entries()) {
      const socket = network.socket(network.internet, address(server), 3478 + i);
      socket.onDatagram((_, from) => seen.push(formatEndpoint(from)));
    }
    for (const { segment, address: own } of interfaces) {
      const host = network.socket(segment, own, 51820);
      for (const [i, server] of servers.entries()) {
        const to = endpoint(address(server), 3478 + i);
        if (to.address.family === own.family) host.send(Uint8Array.of(1), to);
      }
    }
    network.run(seconds(1));
    return seen;
  }

  it.each<[NatKind, string[]]>([
    ['public', ['198.18.0.3:51820']],
    ['double-nat', ['198.18.0.3:51820']],
    ['dual-stack', ['198.18.0.3:51820', '[2001:db8:0:3::2]:51820']],
    ['ipv6-only', ['[2001:db8:0:3::2]:51820']],
    ['mapping-granted', [expect.stringMatching(/^198\.18\.0\.3:/)]],
    ['udp-blocked', []],
  ])('of kind %s is seen as %j', (kind, expected) => {
    expect(seenFrom(kind, ['203.0.113.10', '2001:db8:ffff::10'])).toEqual(expected);
  });

  it('behind a hard NAT is seen at another port by each server', () => {
    const seen = seenFrom('hard-sequential', ['203.0.113.10', '203.0.113.11']);
    const [first, second] = seen.map((text) => Number(text.split(':').at(-1)));
    expect(second! - first!).toBe(1);
  });
});

describe('a relay', () => {
  it('carries datagrams between those who are connected while it is up', () => {
    const random = new SeededRandom(1);
    const network = new SimulatedNetwork(random);
    const relay = new SimulatedRelay(network, random, PERFECT_LINK);
    const heard: string[] = [];
    relay.connect('a', () => {});
    relay.connect('b', ([byte], from) => heard.push(`${byte} from ${from}`));
    const send = (from: string, byte: number): void => {
      relay.send(from, 'b', Uint8Array.of(byte));
      network.run(seconds(1));
    };
    send('a', 1);
    send('stranger', 2);
    relay.isUp = false;
    send('a', 3);
    relay.isUp = true;
    relay.disconnect('b');
    send('a', 4);
    expect(heard).toEqual(['1 from a']);
  });
});

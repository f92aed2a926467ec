// The outer headers of the fast data plane's datagrams, and what those of others do to inner ones, as sockets of the kernel see
// them: source address, DSCP and ECN. All in a network namespace of its own, with a peer that is a device on a bare socket.
import { existsSync } from 'node:fs';
import { endpoint, formatIpAddress, parseIpAddress, parseIpPrefix, type Path, udpPath } from '@shadownet/primitives';
import type { DeviceOutput } from '@shadownet/wireguard';
import { describe, expect, it, vi } from 'vitest';

import { ip, open, send, udpPacket } from './bare-socket.contract.js';
import { End, newDevice, now } from './data-plane-end.contract.js';

const IS_ROOT = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/dev/net/tun');
const PATIENCE = { timeout: 15_000 };

/** On the loopback interface: where the peer is, and where the data plane is reached; the system would choose the first. */
const OUTER = {
  4: { peer: '192.0.2.9', first: '192.0.2.9', other: '192.0.2.2' },
  6: { peer: '2001:db8::9', first: '2001:db8::9', other: '2001:db8::2' },
} as const;
/** Inside the tunnel. */
const INNER = {
  4: { peer: '10.9.0.1', ours: '10.9.0.2' },
  6: { peer: 'fd09::1', ours: 'fd09::2' },
} as const;

const INITIATION = 1;
const RESPONSE = 2;
const DATA = 4;
const HANDSHAKE_TRAFFIC_CLASS = 0x88;
/** DSCP EF: nobody outside has to know. */
const INNER_DSCP = 0xb8;
const CE = 3;

describe.skipIf(!IS_ROOT)('the outer header (needs root, /dev/net/tun and ip)', () => {
  describe.each([4, 6] as const)('of IPv%i', (family) => {
    it('has the address that the peer spoke to, and at once another one when that is gone', async () => {
      const { end, peer } = await connect(family, OUTER[family].other);
      expect(peer.sourcesOf(RESPONSE)).toEqual([OUTER[family].other]);
      const inner = open(6);
      send(inner, INNER[family].peer, 9);
      await vi.waitFor(() => expect(peer.sourcesOf(DATA)).toEqual([OUTER[family].other]), PATIENCE);

      ip(`address delete ${OUTER[family].other} dev lo`);
      peer.forget();
      // A batch, whose refusal must not be taken for one of batches.
      send(inner, INNER[family].peer, 9, { length: 4000, segmentSize: 1000 });
      await vi.waitFor(() => expect(peer.sourcesOf(DATA)).toHaveLength(4), PATIENCE);
      send(inner, INNER[family].peer, 9);
      await vi.waitFor(() => expect(peer.sourcesOf(DATA)).toHaveLength(5), PATIENCE);
      expect(new Set(peer.sourcesOf(DATA))).toEqual(new Set([OUTER[family].first]));
      expect(end.plane.counters()).toMatchObject({ sourceRefused: 1, sentUnsegmented: 0, sendFailed: 0 });

      // And what the core sends by itself.
      peer.forget();
      const { path } = end.device.peerStatuses()[0]!;
      end.output.datagram(new Uint8Array(100).fill(DATA), path!, 0);
      await vi.waitFor(() => expect(peer.sourcesOf(DATA)).toEqual([OUTER[family].first]), PATIENCE);
      expect(end.socket.counters.sendErrors).toEqual({});
    });

    it('follows the peer to another address of ours, without the peer being somewhere else', async () => {
      const { end, peer } = await connect(family, OUTER[family].other);
      const { path } = end.device.peerStatuses()[0]!;
      expect(path).toMatchObject({ local: parseIpAddress(OUTER[family].other) });
      peer.speakTo(OUTER[family].first, end.socket.port);
      peer.sendInner(family, 0);
      await vi.waitFor(() => {
        expect(end.device.peerStatuses()[0]!.path).toEqual({ ...path, local: parseIpAddress(OUTER[family].first) });
      }, PATIENCE);
      peer.forget();
      send(open(6), INNER[family].peer, 9);
      await vi.waitFor(() => expect(peer.sourcesOf(DATA)).toEqual([OUTER[family].first]), PATIENCE);
    });

    it('has the DSCP of handshakes, none of data, and the ECN of what is inside', async () => {
      const { end, peer } = await connect(family, OUTER[family].other);
      expect(peer.trafficClassesOf(RESPONSE)).toEqual([HANDSHAKE_TRAFFIC_CLASS]);
      const inner = open(6);
      for (const innerFamily of [4, 6] as const) {
        for (const ecn of [0, 1, 2, 3]) {
          peer.forget();
          send(inner, INNER[innerFamily].peer, 9, { trafficClass: INNER_DSCP | ecn });
          await vi.waitFor(() => expect(peer.trafficClassesOf(DATA)).toEqual([ecn]), PATIENCE);
        }
      }
      // An initiation, as the first one of a peer that is new.
      peer.forget();
      end.device.removePeer(peer.device.publicKey!, now());
      end.device.upsertPeer(
        { publicKey: peer.device.publicKey!, allowedIps: [], path: peer.path(OUTER[family].peer) },
        now(),
        end.output,
      );
      end.device.initiateHandshake(peer.device.publicKey!, now(), end.output);
      await vi.waitFor(() => expect(peer.trafficClassesOf(INITIATION)).toEqual([HANDSHAKE_TRAFFIC_CLASS]), PATIENCE);
    });

    it('tells inner packets of congestion, and keeps from the host those that cannot be told (RFC 6040)', async () => {
      const { end, peer } = await connect(family, OUTER[family].other);
      const dropped = (): number => end.plane.counters()['congestedNotEct']!;
      for (const innerFamily of [4, 6] as const) {
        const host = open(6);
        for (const innerEcn of [0, 1, 2, 3]) {
          for (const outerEcn of [0, 1, 2, 3]) {
            const before = dropped();
            peer.trafficClass = outerEcn;
            peer.sendInner(innerFamily, INNER_DSCP | innerEcn, host.port);
            if (innerEcn === 0 && outerEcn === CE) {
              await vi.waitFor(() => expect(dropped()).toBe(before + 1), PATIENCE);
              expect(host.receive()).toBeUndefined();
              continue;
            }
            const expected = outerEcn === CE ? CE : innerEcn === 2 && outerEcn === 1 ? 1 : innerEcn;
            const got = await vi.waitFor(() => {
              const header = host.receive();
              expect(header).toBeDefined();
              return header!.trafficClass;
            }, PATIENCE);
            expect([innerEcn, outerEcn, got]).toEqual([innerEcn, outerEcn, INNER_DSCP | expected]);
          }
        }
      }
    });
  });
});

/** A data plane and a peer that has shaken hands with it, at the address `at`. */
async function connect(family: 4 | 6, at: string): Promise<{ end: End; peer: BarePeer }> {
  const end = await End.open('outer0', 'packet-worker-entry');
  for (const { first, other } of Object.values(OUTER)) {
    for (const address of [first, other]) ip(`address add ${address} dev lo`);
  }
  ip('link set outer0 up');
  for (const { ours, peer } of Object.values(INNER)) {
    ip(`address add ${ours} dev outer0 ${ours.includes(':') ? 'nodad' : ''}`.trim());
    ip(`route add ${peer} dev outer0 src ${ours}`);
  }
  const peer = new BarePeer(OUTER[family].peer);
  const allowedIps = Object.values(INNER).map((inner) => parseIpPrefix(inner.peer)!);
  end.device.upsertPeer({ publicKey: peer.device.publicKey!, allowedIps }, now(), end.output);
  end.settle();
  peer.meet(end, udpPath(endpoint(parseIpAddress(at)!, end.socket.port)));
  await vi.waitFor(() => {
    peer.poll();
    expect(peer.device.peerStatuses()[0]!.session).toBe('established');
    expect(end.device.peerStatuses()[0]!.session).toBe('established');
  }, PATIENCE);
  return { end, peer };
}

interface Seen {
  readonly type: number;
  readonly source: string;
  readonly trafficClass: number;
}

/** A device whose socket shows, and sets, outer headers. */
class BarePeer {
  readonly device = newDevice();
  /** Of what is sent. */
  trafficClass = 0;
  readonly #socket = open(6);
  readonly #address: string;
  #seen: Seen[] = [];
  readonly #output: DeviceOutput = {
    datagram: (bytes, path) => {
      if (path.kind !== 'udp') return;
      const { address, port } = path.remote;
      const { trafficClass } = this;
      const options = { from: this.#address, bytes, trafficClass };
      send(this.#socket, formatIpAddress(address), port, options);
    },
    packet: () => undefined,
  };

  constructor(address: string) {
    this.#address = address;
  }

  meet(end: End, path: Path): void {
    const allowedIps = Object.values(INNER).map(({ ours }) => parseIpPrefix(ours)!);
    this.device.upsertPeer({ publicKey: end.publicKey, allowedIps, path }, now(), this.#output);
    this.device.initiateHandshake(end.publicKey, now(), this.#output);
  }

  path(address: string): Path {
    return udpPath(endpoint(parseIpAddress(address)!, this.#socket.port));
  }

  speakTo(address: string, port: number): void {
    const [plane] = this.device.peerStatuses();
    this.device.setPeerPath(plane!.publicKey, udpPath(endpoint(parseIpAddress(address)!, port)), now(), this.#output);
  }

  sendInner(family: 4 | 6, trafficClass: number, port = 9): void {
    const packet = udpPacket(INNER[family].peer, INNER[family].ours, port, trafficClass);
    expect(this.device.handlePacket(packet, now(), this.#output)).toEqual({ ok: true });
  }

  poll(): void {
    for (let header = this.#socket.receive(); header; header = this.#socket.receive()) {
      const { trafficClass, segmentSize } = header;
      const source = header.source();
      const bytes = this.#socket.bytes();
      for (let at = 0; at < bytes.length; at += segmentSize || bytes.length) {
        const datagram = bytes.slice(at, segmentSize ? at + segmentSize : undefined);
        // Of keepalives there may be any number.
        if (datagram.length > 32) {
          this.#seen.push({ type: datagram[0]!, source: formatIpAddress(source.address), trafficClass });
        }
        this.device.handleDatagram(datagram, udpPath(source), now(), this.#output);
      }
    }
  }

  forget(): void {
    this.poll();
    this.#seen = [];
  }

  sourcesOf(type: number): string[] {
    return this.#of(type).map(({ source }) => source);
  }

  trafficClassesOf(type: number): number[] {
    return this.#of(type).map(({ trafficClass }) => trafficClass);
  }

  #of(wanted: number): Seen[] {
    this.poll();
    return this.#seen.filter(({ type }) => type === wanted);
  }
}

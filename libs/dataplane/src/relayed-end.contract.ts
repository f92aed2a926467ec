// A relay on loopback and two that talk by it, for specs: an End, whose workers carry the data, and a device on a bare socket,
// whose core does everything.
import { randomFillSync } from 'node:crypto';
import { nodeCrypto, SipHasher } from '@shadownet/crypto';
import {
  type Endpoint,
  endpoint,
  formatEndpoint,
  parseIpPrefix,
  type PublicKey,
  publicKeyFromBytes,
  relayPath,
} from '@shadownet/primitives';
import { RelayClient, type RelayClientOutput, type RelayDescription, RelayServer } from '@shadownet/relay';
import { openLinuxUdp } from '@shadownet/udp';
import type { Device, DeviceOutput } from '@shadownet/wireguard';
import { expect, onTestFinished, vi } from 'vitest';

import { ip } from './bare-socket.contract.js';
import { End, LOOPBACK, newDevice, now } from './data-plane-end.contract.js';

const RELAY = 'here';
const PATIENCE = { timeout: 15_000 };
/** The addresses inside the tunnel. */
export const INNER = { ours: '10.9.0.2', peer: '10.9.0.1' } as const;

const random = (length: number): Uint8Array<ArrayBuffer> => randomFillSync(new Uint8Array(length));

/** A relay that shows what it sends, and sends what it is told to. */
export class LoopbackRelay {
  readonly sent: { readonly frame: Uint8Array; readonly to: Endpoint }[] = [];
  readonly #socket = openLinuxUdp({ port: 0, mark: 0 });
  readonly #server = new RelayServer({
    ...{ crypto: nodeCrypto, random, hasher: new SipHasher(), privateKey: nodeCrypto.privateKey(random(32)) },
    admission: { admit: () => ({ ok: true, network: 'spec' }) },
  });

  constructor() {
    const out = {
      send: (bytes: Uint8Array, at: number, length: number, { endpoint: to }: { readonly endpoint: Endpoint }) =>
        this.send(bytes.slice(at, at + length), to),
      close: () => {},
    };
    this.#socket.onDatagram((bytes, from) => {
      const link = { kind: 'udp', id: formatEndpoint(from), endpoint: from } as const;
      const frame = bytes.slice();
      this.#server.handle(frame, 0, frame.length, link, now(), out);
    });
    onTestFinished(() => this.#socket.close());
  }

  get description(): RelayDescription {
    const udp = [endpoint(LOOPBACK, this.#socket.port)];
    return { id: RELAY, publicKey: this.#server.publicKey, udp, websocketUrl: undefined, ticket: new Uint8Array(0) };
  }

  send(frame: Uint8Array, to: Endpoint): void {
    this.sent.push({ frame: frame.slice(), to });
    this.#socket.send(frame, to);
  }

  /** Frames of data to `to`, that are neither keepalives nor handshakes. */
  dataTo(to: Endpoint): Uint8Array[] {
    const isData = (frame: Uint8Array) => frame[0] === 0xd8 && frame[16] === 4 && frame.length > 48;
    return this.sent.filter((each) => each.to.port === to.port && isData(each.frame)).map(({ frame }) => frame);
  }
}

export class RelayedEnd {
  readonly #client: RelayClient;
  readonly #out: RelayClientOutput;
  /** Messages of WireGuard that came in through the core: handshakes, and what workers left to it. */
  coreMessages = 0;
  #routeChanges = 0;

  private constructor(
    readonly end: End,
    privateKey: Uint8Array,
    relay: LoopbackRelay,
  ) {
    const { plane, device } = end;
    this.#client = new RelayClient({
      ...{ crypto: nodeCrypto, random, hasher: new SipHasher(), privateKey: nodeCrypto.privateKey(privateKey) },
      sessions: plane.relaySessions,
    });
    this.#out = shell(
      (bytes, to) => end.socket.send(bytes, to),
      (bytes, peer) => {
        this.coreMessages++;
        device.handleDatagram(bytes, relayPath(RELAY, peer), now(), end.output);
        end.settle();
      },
    );
    end.sendByRelay = (bytes, { peer }) => void this.#client.send(RELAY, peer, bytes, now(), this.#out);
    end.takeFrame = (frame, from) => {
      this.#client.handleDatagram(frame, from, now(), this.#out);
      this.followRoutes();
    };
    plane.useRelays(relay.description.udp);
    void end.socket.port;
    this.#client.setRelays([relay.description], now(), this.#out);
    const timer = setInterval(() => this.#client.handleTimeout(now(), this.#out), 20);
    onTestFinished(() => clearInterval(timer));
  }

  /** `startRelay` is called inside the namespace. */
  static async open(name: string, workerPairs: number, startRelay: () => LoopbackRelay): Promise<RelayedEnd> {
    const privateKey = random(32);
    const end = await End.open(name, 'packet-worker-entry', workerPairs, privateKey);
    for (const line of [
      `link set ${name} up`,
      `address add ${INNER.ours} dev ${name}`,
      `route add ${INNER.peer} dev ${name} src ${INNER.ours}`,
    ])
      ip(line);
    return new RelayedEnd(end, privateKey, startRelay());
  }

  followRoutes(): void {
    const { device, plane } = this.end;
    if (this.#client.routeChanges === this.#routeChanges) return;
    this.#routeChanges = this.#client.routeChanges;
    device.useRelayRoutes({
      routeOf: ({ peer }) => this.#client.routeTo(RELAY, peer),
      pathOf: ({ session, channel }) => {
        const origin = this.#client.originOf(session, channel);
        return origin && relayPath(origin.relay, origin.peer);
      },
    });
    plane.publish();
  }

  /** Says goodbye to the relay. */
  leave(): void {
    this.#client.close(this.#out);
    this.followRoutes();
  }

  /** Until data of both directions goes past both cores' relay clients. */
  async meet(peer: BareRelayedPeer): Promise<void> {
    const { end } = this;
    const allowedIps = [parseIpPrefix(`${INNER.peer}/32`)!];
    end.device.upsertPeer(
      { publicKey: peer.publicKey, allowedIps, path: relayPath(RELAY, peer.publicKey) },
      now(),
      end.output,
    );
    end.settle();
    peer.expect(end.publicKey);
    await vi.waitFor(() => expect([this.#client.home, peer.home]).toEqual([RELAY, RELAY]), PATIENCE);
    peer.initiate(end.publicKey);
    await vi.waitFor(() => {
      expect(end.device.peerStatuses()[0]!.session).toBe('established');
      expect(this.#client.routeTo(RELAY, peer.publicKey)).toBeDefined();
    }, PATIENCE);
  }
}

export class BareRelayedPeer {
  readonly device: Device;
  readonly publicKey: PublicKey;
  readonly received: Uint8Array[] = [];
  readonly #socket = openLinuxUdp({ port: 0, mark: 0 });
  readonly #client: RelayClient;
  readonly #out: RelayClientOutput;
  readonly #output: DeviceOutput;

  constructor(relay: LoopbackRelay) {
    const privateKey = random(32);
    this.device = newDevice(1, privateKey);
    this.publicKey = publicKeyFromBytes(nodeCrypto.privateKey(privateKey).publicKey)!;
    const own = nodeCrypto.privateKey(privateKey);
    this.#client = new RelayClient({ crypto: nodeCrypto, random, hasher: new SipHasher(), privateKey: own });
    this.#output = {
      datagram: (bytes, path) => {
        if (path.kind === 'relay') this.#client.send(RELAY, path.peer, bytes, now(), this.#out);
      },
      packet: (bytes) => void this.received.push(bytes.slice()),
    };
    this.#out = shell(
      (bytes, to) => this.#socket.send(bytes, to),
      (bytes, peer) => void this.device.handleDatagram(bytes, relayPath(RELAY, peer), now(), this.#output),
    );
    this.#socket.onDatagram((bytes, from) => void this.#client.handleDatagram(bytes, from, now(), this.#out));
    this.#client.setRelays([relay.description], now(), this.#out);
    const timer = setInterval(() => this.#client.handleTimeout(now(), this.#out), 20);
    onTestFinished(async () => {
      clearInterval(timer);
      await this.#socket.close();
    });
  }

  get home(): string | undefined {
    return this.#client.home;
  }

  expect(other: PublicKey): void {
    const allowedIps = [parseIpPrefix(`${INNER.ours}/32`)!];
    this.device.upsertPeer({ publicKey: other, allowedIps, path: relayPath(RELAY, other) }, now(), this.#output);
  }

  initiate(other: PublicKey): void {
    this.device.initiateHandshake(other, now(), this.#output);
  }

  sendPacket(packet: Uint8Array): void {
    expect(this.device.handlePacket(packet, now(), this.#output)).toEqual({ ok: true });
  }
}

function shell(
  datagram: (bytes: Uint8Array, to: Endpoint) => void,
  relayed: (bytes: Uint8Array, peer: PublicKey) => void,
): RelayClientOutput {
  // The client must not be called from inside its own call.
  const later = (bytes: Uint8Array, peer: PublicKey): void => {
    const copy = bytes.slice();
    queueMicrotask(() => relayed(copy, peer));
  };
  const none = (): void => {};
  return { datagram, relayed: later, signal: none, openStream: none, writeStream: none, closeStream: none };
}

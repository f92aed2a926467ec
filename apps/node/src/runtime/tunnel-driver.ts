// The event loop around the tunnel's core: the data plane with TUN device and UDP socket and the clock on one side, `handle…` and
// `poll…` on the other. After every stimulus, or burst of them, it drains the events and sets one timer for the earliest deadline.

import type { DataPlane } from '@shadownet/dataplane';
import { type Endpoint, type Instant, type Path, type RelayPath, udpPath, type Wakeup } from '@shadownet/primitives';
import { isRelayFrame } from '@shadownet/relay';
import type { Tunnel, TunnelEvent, TunnelOutput } from '@shadownet/tunnel';
import type { UdpSocket } from '@shadownet/udp';
import { ExtraSockets } from './extra-sockets.js';

export interface TunnelDriverOptions {
  readonly tunnel: Tunnel;
  /** Not attached yet, and the caller's to close. */
  readonly dataPlane: DataPlane;
  readonly now: () => Instant;
  /** On any free port: one more, for guesses of ports. Throws UdpError. */
  readonly openExtraSocket: () => UdpSocket;
  readonly onEvent: (event: TunnelEvent, now: Instant) => void;
  /** Packets go nowhere any more. */
  readonly onFailure: (reason: Error) => void;
}

/** What carries datagrams to peers by relays, and knows the relays' own frames. */
export interface RelayCarrier {
  send(bytes: Uint8Array, path: RelayPath): void;
  handleDatagram(bytes: Uint8Array, from: Endpoint): void;
  /** Packet workers may have sent or received by relays. */
  noteWorkerTraffic(): void;
}

/** setTimeout's own limit is 2^31 ms; nothing here is that far ahead. */
const LONGEST_SLEEP_MS = 3_600_000;

export class TunnelDriver {
  readonly #tunnel: Tunnel;
  readonly #dataPlane: DataPlane;
  readonly #now: () => Instant;
  readonly #onEvent: TunnelDriverOptions['onEvent'];
  readonly #output: TunnelOutput;
  #socket: UdpSocket | undefined;
  #relays: RelayCarrier | undefined;
  readonly #extraSockets: ExtraSockets;
  #settling: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ tunnel, dataPlane, now, openExtraSocket, onEvent, onFailure }: TunnelDriverOptions) {
    this.#tunnel = tunnel;
    this.#dataPlane = dataPlane;
    this.#now = now;
    this.#onEvent = onEvent;
    this.#extraSockets = new ExtraSockets({
      open: openExtraSocket,
      onDatagram: (datagram, from) => this.receive(datagram, from),
    });
    this.#output = {
      datagram: (bytes, path, trafficClass) => {
        if (path.kind === 'relay') this.#relays?.send(bytes, path);
        else if (path.socket !== 0) this.#extraSockets.send(bytes, path, trafficClass);
        else this.#socket?.send(bytes, path.remote, { from: path.local, trafficClass });
      },
      packet: (bytes) => dataPlane.tun.write(bytes),
    };
    tunnel.setMtu(dataPlane.tun.mtu);
    dataPlane.tun.onPacket((packet) => this.#onPacket(packet));
    dataPlane.attach({
      device: tunnel.packetWorkers,
      output: this.#output,
      now,
      settle: () => {
        this.#relays?.noteWorkerTraffic();
        this.#settle();
      },
      fail: onFailure,
    });
  }

  /** The data plane's socket, as soon as there is one: it stays the caller's to close. */
  useSocket(socket: UdpSocket): void {
    this.#socket = socket;
    socket.onDatagram((datagram, from, local) => {
      if (isRelayFrame(datagram)) this.#relays?.handleDatagram(datagram, from);
      else this.receive(datagram, udpPath(from, local));
    });
  }

  /** Without them, datagrams for relays go nowhere. */
  useRelays(relays: RelayCarrier): void {
    this.#relays = relays;
  }

  /** A datagram that came by `from`. */
  receive(datagram: Uint8Array, from: Path): void {
    if (this.#closed) return;
    this.#tunnel.handleDatagram(datagram, from, this.#now(), this.#output);
    this.#settleSoon();
  }

  /** Looks whether the interface is still there, and whether somebody gave it another MTU. */
  followInterface(): void {
    const { tun } = this.#dataPlane;
    tun.interfaceState();
    this.#tunnel.setMtu(tun.mtu);
    this.#dataPlane.publish();
  }

  /** Calls into the tunnel, then settles. */
  run<T>(action: (tunnel: Tunnel, now: Instant, out: TunnelOutput) => T): T {
    const result = action(this.#tunnel, this.#now(), this.#output);
    this.#settleSoon();
    return result;
  }

  /** The tunnel hears and does nothing more. Workers that still run let go of its keys, which are zeroed then. */
  close(): void {
    this.#closed = true;
    clearImmediate(this.#settling);
    clearTimeout(this.#timer);
    this.#extraSockets.closeAll();
    this.#tunnel.close(this.#now());
    this.#dataPlane.publish();
  }

  #onPacket(packet: Uint8Array): void {
    if (this.#closed) return;
    this.#tunnel.handlePacket(packet, this.#now(), this.#output);
    this.#settleSoon();
  }

  /** Once for all that one turn of the event loop brings. */
  #settleSoon(): void {
    if (this.#closed) return;
    this.#settling ??= setImmediate(() => {
      this.#settling = undefined;
      this.#settle();
    });
  }

  #settle(): void {
    if (this.#closed) return;
    this.#dataPlane.publish();
    const now = this.#now();
    for (let event = this.#tunnel.pollEvent(); event; event = this.#tunnel.pollEvent()) {
      this.#followSockets(event, now);
      this.#onEvent(event, now);
    }
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const wakeup = this.#tunnel.pollTimeout();
    if (wakeup) this.#timer = setTimeout(() => this.#onTimer(), delayUntil(wakeup, now));
  }

  #followSockets(event: TunnelEvent, now: Instant): void {
    if (event.kind === 'sockets-unneeded') return this.#extraSockets.close(event.sockets);
    if (event.kind !== 'sockets-wanted') return;
    this.#tunnel.useSockets(event.peer.publicKey, this.#extraSockets.open(event.count), now, this.#output);
  }

  #onTimer(): void {
    this.#tunnel.handleTimeout(this.#now(), this.#output);
    this.#settle();
  }
}

/** Rounded up: a timer that fires too early would only come back. */
function delayUntil({ at }: Wakeup, now: Instant): number {
  return Math.min(Math.max(0, Math.ceil(at - now)), LONGEST_SLEEP_MS);
}

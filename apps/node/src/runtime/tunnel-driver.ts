// The event loop around the tunnel's core: the UDP socket, the TUN device and the clock on one side, `handle…` and `poll…` on
// the other. After every stimulus, or burst of them, it drains the events and sets one timer for the earliest deadline.

import type { Endpoint, Instant, Wakeup } from '@shadownet/primitives';
import type { TunDevice } from '@shadownet/tun';
import type { Tunnel, TunnelEvent, TunnelOutput } from '@shadownet/tunnel';
import type { UdpSocket } from '@shadownet/udp';

export interface TunnelDriverOptions {
  readonly tunnel: Tunnel;
  readonly socket: UdpSocket;
  readonly now: () => Instant;
  readonly onEvent: (event: TunnelEvent, now: Instant) => void;
}

/** setTimeout's own limit is 2^31 ms; nothing here is that far ahead. */
const LONGEST_SLEEP_MS = 3_600_000;

export class TunnelDriver {
  readonly #tunnel: Tunnel;
  readonly #now: () => Instant;
  readonly #onEvent: TunnelDriverOptions['onEvent'];
  readonly #output: TunnelOutput;
  #tun: TunDevice | undefined;
  #settling: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ tunnel, socket, now, onEvent }: TunnelDriverOptions) {
    this.#tunnel = tunnel;
    this.#now = now;
    this.#onEvent = onEvent;
    this.#output = {
      datagram: (bytes, path) => socket.send(bytes, path.remote),
      packet: (bytes) => this.#tun?.write(bytes),
    };
    socket.onDatagram((datagram, from) => this.#onDatagram(datagram, from));
  }

  /** Packets go to and come from this device from now on. */
  attach(tun: TunDevice): void {
    this.#tun = tun;
    this.#tunnel.setMtu(tun.mtu);
    tun.onPacket((packet) => {
      if (this.#closed) return;
      this.#tunnel.handlePacket(packet, this.#now(), this.#output);
      this.#settleSoon();
    });
  }

  detach(): void {
    this.#tun = undefined;
  }

  /** Calls into the tunnel, then settles. */
  run<T>(action: (tunnel: Tunnel, now: Instant, out: TunnelOutput) => T): T {
    const result = action(this.#tunnel, this.#now(), this.#output);
    this.#settleSoon();
    return result;
  }

  /** The tunnel hears and does nothing more. */
  close(): void {
    this.#closed = true;
    clearImmediate(this.#settling);
    clearTimeout(this.#timer);
    this.#tunnel.close(this.#now());
  }

  #onDatagram(datagram: Uint8Array, from: Endpoint): void {
    if (this.#closed) return;
    this.#tunnel.handleDatagram(datagram, from, this.#now(), this.#output);
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
    const now = this.#now();
    for (let event = this.#tunnel.pollEvent(); event; event = this.#tunnel.pollEvent()) this.#onEvent(event, now);
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const wakeup = this.#tunnel.pollTimeout();
    if (wakeup) this.#timer = setTimeout(() => this.#onTimer(), delayUntil(wakeup, now));
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

// A TUN device without a kernel, for tests and simulations: the test plays the host behind it.

import type { LinuxTunDevice } from './kernel-tun.js';
import type { InterfaceAddress, PacketHandler, TunCounters } from './tun-device.js';
import { TunError } from './tun-error.js';

export interface MemoryTunOptions {
  readonly name?: string;
  /** Bytes, 1280 unless told. */
  readonly mtu?: number;
}

export class MemoryTun implements LinuxTunDevice {
  readonly name: string;
  readonly mtu: number;
  readonly counters: TunCounters = { packetsRead: 0, packetsWritten: 0, writeErrors: 0 };
  /** Copies of the packets that were written, oldest first. The test may empty it. */
  readonly written: Uint8Array[] = [];
  #state: 'open' | 'closed' = 'open';
  #onPacket: PacketHandler = () => {};
  #onClosed: (reason: Error) => void = () => {};

  constructor({ name = 'memory0', mtu = 1280 }: MemoryTunOptions = {}) {
    this.name = name;
    this.mtu = mtu;
  }

  onPacket(handler: PacketHandler): void {
    this.#onPacket = handler;
  }

  onClosed(handler: (reason: Error) => void): void {
    this.#onClosed = handler;
  }

  /**
   * The host routes a packet into the device: the handler has it before this returns. Its bytes are wiped after that, as
   * a reader of the real device would overwrite them, so that a handler which keeps them is found out.
   */
  inject(packet: Uint8Array): void {
    if (this.#state === 'closed') return;
    const bytes = Uint8Array.from(packet);
    this.counters.packetsRead++;
    this.#onPacket(bytes);
    bytes.fill(0);
  }

  write(packet: Uint8Array): void {
    if (this.#state === 'closed' || !isIpPacket(packet)) {
      this.counters.writeErrors++;
      return;
    }
    this.counters.packetsWritten++;
    this.written.push(Uint8Array.from(packet));
  }

  /** Up until it is closed; a test may say otherwise. */
  interfaceState(): 'up' | 'down' | 'unknown' {
    return this.#state === 'open' ? 'up' : 'down';
  }

  /** It has no kernel to tell. */
  bringUp(_addresses: readonly InterfaceAddress[]): void {}

  /** The interface is deleted from outside. */
  remove(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#onClosed(new TunError('tun-closed', `the interface ${this.name} was deleted from outside`));
  }

  async close(): Promise<void> {
    this.#state = 'closed';
  }
}

/** As far as the kernel looks before it takes a packet from a TUN. */
function isIpPacket(packet: Uint8Array): boolean {
  const version = (packet[0] ?? 0) >> 4;
  return (version === 4 || version === 6) && packet.length <= 65_535;
}

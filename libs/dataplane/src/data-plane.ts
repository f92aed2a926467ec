// The way of packets between a TUN device and a UDP socket, past a WireGuard device: portable, where each passes through
// the core on the main thread, or linux, where pairs of workers move them and the core gets only what is not transport data. The
// owner of the device works the same way with both.

import type { Endpoint, Instant } from '@shadownet/primitives';
import type { RelaySessionTable } from '@shadownet/relay';
import type { LinuxTunDevice, LinuxTunOptions } from '@shadownet/tun';
import type { LinuxUdpOptions, LinuxUdpSocket } from '@shadownet/udp';
import type { DeviceOutput, PacketWorkerHost } from '@shadownet/wireguard';

export type DataPlaneKind = 'portable' | 'linux';

/** The core and its shell, as the data plane needs them. */
export interface DataPlaneCore {
  readonly device: PacketWorkerHost;
  readonly output: DeviceOutput;
  /** The clock of every `now` that the device is given. */
  now(): Instant;
  /** Drains the device's events and keeps its next deadline: called after the data plane has told it something. */
  settle(): void;
  /** A worker has ended on its own. The process has to end: packets go nowhere any more. */
  fail(reason: Error): void;
}

export interface DataPlane {
  readonly kind: DataPlaneKind;
  /** Pairs of worker threads that move packets; 0 where the main thread does. */
  readonly workerPairs: number;
  /** Why that is fewer than were asked for. */
  readonly fewerWorkersReason: string | undefined;
  /** The device whose handler gets the packets that the core has to see. Closed by `close`. */
  readonly tun: LinuxTunDevice;
  /** Once, before anything else: from now on packets flow as soon as there is a socket. */
  attach(core: DataPlaneCore): void;
  /** A socket whose handler gets the datagrams that the core has to see. Throws a UdpError. The latest one opened is used. */
  openSocket(options: LinuxUdpOptions): LinuxUdpSocket;
  /** Where workers find the relay sessions that they send and receive under; `undefined` where all frames are the core's. To be asked for once it is attached. */
  readonly relaySessions: RelaySessionTable | undefined;
  /** From where the core wants frames of relays; others need not reach it. To be called once it is attached. */
  useRelays(endpoints: readonly Endpoint[]): void;
  /** To be called after everything that the device was told: what workers must know of it is made known to them. */
  publish(): void;
  /** Resolves when no worker uses anything that was withdrawn before the call: keys of removed peers are zeroed then. */
  settled(): Promise<void>;
  /** Packets and drops by name, since the start. */
  counters(): Readonly<Record<string, number>>;
  /** Ends the workers and removes the interface; sockets are the caller's to close before. */
  close(): Promise<void>;
}

export interface DataPlaneOptions {
  readonly tun: LinuxTunOptions;
  /** Pairs of workers, at most MAX_WORKER_PAIRS and as many as the device has cells for; the portable one has none anyway. */
  readonly workerPairs: number;
  /** The bundled file that calls runPacketWorker. */
  readonly workerEntry: URL;
}

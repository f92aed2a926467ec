// The data plane that runs everywhere: every packet passes through the core, one at a time (docs/data-plane.md).

import { type LinuxTunDevice, openLinuxTun } from '@shadownet/tun';
import { type LinuxUdpOptions, type LinuxUdpSocket, openLinuxUdp } from '@shadownet/udp';

import type { DataPlane, DataPlaneOptions } from './data-plane.js';

/** Rejects with a TunError, or NativeError 'native-unavailable' off Linux or without koffi. */
export async function openPortableDataPlane({ tun }: Pick<DataPlaneOptions, 'tun'>): Promise<DataPlane> {
  return portableDataPlane(await openLinuxTun(tun));
}

/** The data plane on a device that is open, of any kind: it becomes the data plane's to close. */
export function portableDataPlane(tun: LinuxTunDevice): DataPlane {
  return new PortableDataPlane(tun);
}

class PortableDataPlane implements DataPlane {
  readonly kind = 'portable';
  readonly workerPairs = 0;
  readonly fewerWorkersReason = undefined;
  readonly relaySessions = undefined;

  constructor(readonly tun: LinuxTunDevice) {}

  attach(): void {}

  openSocket(options: LinuxUdpOptions): LinuxUdpSocket {
    return openLinuxUdp(options);
  }

  /** They pass through the core anyway, which looks where they come from. */
  useRelays(): void {}

  publish(): void {}

  async settled(): Promise<void> {}

  counters(): Readonly<Record<string, number>> {
    return { ...this.tun.counters };
  }

  close(): Promise<void> {
    return this.tun.close();
  }
}

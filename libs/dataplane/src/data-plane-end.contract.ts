// One end of a tunnel on the fast data plane, for specs: a device, its workers, its TUN and its socket, in a network namespace
// of the test's own.
import { randomFillSync } from 'node:crypto';
import { nodeCrypto } from '@shadownet/crypto';
import { enterFreshNetworkNamespace } from '@shadownet/native';
import {
  type Endpoint,
  endpoint,
  instant,
  parseIpAddress,
  parseIpPrefix,
  type PublicKey,
  type RelayPath,
  udpPath,
} from '@shadownet/primitives';
import { isRelayFrame } from '@shadownet/relay';
import type { LinuxUdpSocket } from '@shadownet/udp';
import { Device, type DeviceOutput, Tai64nSource } from '@shadownet/wireguard';
import { onTestFinished } from 'vitest';

import { bundleThread } from './bundled-thread.contract.js';
import type { DataPlane } from './data-plane.js';
import { openLinuxDataPlane } from './linux-data-plane.js';
import { portFilter } from './port-filter.contract.js';

export const LOOPBACK = parseIpAddress('127.0.0.1')!;
export const now = () => instant(Number(process.hrtime.bigint()) / 1e6);

/** A device, its data plane and its socket. */
export class End {
  readonly failures: string[] = [];
  readonly output: DeviceOutput;
  /** What goes by a relay, and what the core sees of relays' frames: whoever brings a relay client sets them. */
  sendByRelay: (bytes: Uint8Array, path: RelayPath) => void = () => {};
  takeFrame: (frame: Uint8Array, from: Endpoint) => void = () => {};
  #socket: LinuxUdpSocket | undefined;

  private constructor(
    readonly plane: DataPlane,
    readonly device: Device,
  ) {
    this.output = {
      datagram: (bytes, path, trafficClass) => {
        if (path.kind === 'relay') this.sendByRelay(bytes, path);
        else this.socket.send(bytes, path.remote, { from: path.local, trafficClass });
      },
      packet: (bytes) => plane.tun.write(bytes),
    };
    plane.attach({
      device,
      output: this.output,
      now,
      settle: () => this.settle(),
      fail: (reason) => this.failures.push(reason.message),
    });
  }

  /** Opened at the first use. */
  get socket(): LinuxUdpSocket {
    if (this.#socket) return this.#socket;
    this.#socket = this.plane.openSocket({ port: 0, mark: 0 });
    this.#socket.onDatagram((datagram, from, local) => {
      if (isRelayFrame(datagram)) return this.takeFrame(datagram, from);
      this.device.handleDatagram(datagram, udpPath(from, local), now(), this.output);
      this.settle();
    });
    return this.#socket;
  }

  /** With the private key given, or one of its own. */
  static async open(name: string, entry: string, workerPairs = 1, privateKey?: Uint8Array<ArrayBuffer>): Promise<End> {
    const leaveNamespace = enterFreshNetworkNamespaceOnce();
    onTestFinished(leaveNamespace);
    const workerEntry = await bundleThread(new URL(`./${entry}.contract.ts`, import.meta.url));
    const plane = await openLinuxDataPlane({ tun: { name, mtu: 1420, addresses: [] }, workerEntry, workerPairs });
    onTestFinished(() => plane.close());
    const device = newDevice(workerPairs, privateKey);
    return new End(plane, device);
  }

  get publicKey(): PublicKey {
    return this.device.publicKey!;
  }

  get endpoint(): Endpoint {
    return endpoint(LOOPBACK, this.socket.port);
  }

  addPeer(other: End, allowedIp: string): void {
    const path = udpPath(other.endpoint);
    this.device.upsertPeer(
      { publicKey: other.publicKey, allowedIps: [parseIpPrefix(allowedIp)!], path },
      now(),
      this.output,
    );
    this.settle();
  }

  settle(): void {
    while (this.device.pollEvent()) continue;
    this.plane.publish();
  }
}

let leave: (() => void) | undefined;

/** One namespace for all ends of a test. */
function enterFreshNetworkNamespaceOnce(): () => void {
  leave ??= enterFreshNetworkNamespace();
  return () => {
    leave?.();
    leave = undefined;
  };
}

/** With a key of its own, or this one. */
export function newDevice(workerPairs = 1, privateKey = randomFillSync(new Uint8Array(32))): Device {
  const device = new Device({
    crypto: nodeCrypto,
    random: (length) => randomFillSync(new Uint8Array(length)),
    timestamps: new Tai64nSource({
      wallNanoseconds: () => BigInt(Date.now()) * 1_000_000n,
      lastReserved: 0n,
      reserve: () => undefined,
    }),
    endpoints: 'roaming',
    maxPeers: 4,
    workerPairs,
    packetFilter: portFilter,
  });
  device.setPrivateKey(privateKey, now());
  return device;
}

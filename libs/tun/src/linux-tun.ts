// The portable TUN of Linux: /dev/net/tun, one packet at a time, on the event loop (ADR 0001). Used by the node's runtime.

import { formatIpAddress } from '@shadownet/primitives';
import {
  type Descriptor,
  type DescriptorWatch,
  errnoName,
  interfaceIndex,
  libc,
  NativeError,
  openTunDescriptor,
  processArena,
  type Readiness,
  setInterfaceAddress,
  setInterfaceMtu,
  setInterfaceQueueLength,
  setInterfaceUp,
  TunInterfaceProbe,
  type TunInterfaceState,
  watchReadable,
} from '@shadownet/native';

import type { InterfaceAddress, PacketHandler, TunCounters, TunDevice } from './tun-device.js';
import { TunError, type TunErrorCode } from './tun-error.js';

export interface LinuxTunOptions {
  /** 1…15 printable ASCII characters without `/`, `:`, `%`. A persistent TUN of this name is attached to, not made. */
  readonly name: string;
  /** Bytes of the largest IP packet: 576…65535, at least 1280 with an IPv6 address (RFC 8200 §5). */
  readonly mtu: number;
  /** At most one IPv4 address and any number of IPv6 ones. Their prefixes become connected routes. */
  readonly addresses: readonly InterfaceAddress[];
  /** Packets that may wait to be read, 500 unless told: 5 ms at 100,000 packets/s. */
  readonly queueLength?: number;
  /** 'up' unless told: brings the interface up at once, 'down' leaves that to the host's administrator. */
  readonly initialState?: 'up' | 'down';
}

export interface LinuxTunDevice extends TunDevice {
  /**
   * Whether the interface is up now, wherever it was moved to since. 'unknown' for an interface in another network
   * namespace if the process lacks CAP_SYS_ADMIN or the kernel is too old. 'down' once it is gone. `mtu` is brought up to date as well.
   */
  interfaceState(): TunInterfaceState;
  /**
   * Gives the interface these addresses, of which an IPv4 one replaces the one that it has, and brings it up. For an interface that
   * has to be there before its addresses are known. Throws a TunError.
   */
  bringUp(addresses: readonly InterfaceAddress[]): void;
}

/** The IPv6 minimum link MTU (RFC 8200 §5), below which Linux takes IPv6 off the interface. */
const MIN_IPV6_MTU = 1280;
/** The datagram size that every IPv4 host must accept (RFC 791 §3.1). */
const MIN_IPV4_MTU = 576;
const MAX_IP_PACKET_BYTES = 65_535;
const DEFAULT_QUEUE_LENGTH = 500;

/** Packets read per turn of the event loop, so that the socket and the timers have theirs. */
const READ_BATCH = 128;

/**
 * Makes the interface, gives it its settings and brings it up unless told otherwise. It vanishes with `close` or with the process, however
 * that ends. Rejects with a TunError, or NativeError 'native-unavailable' off Linux or without koffi.
 */
export async function openLinuxTun(options: LinuxTunOptions): Promise<LinuxTunDevice> {
  checkTunOptions(options);
  const descriptor = openDescriptor(options.name);
  try {
    configureTun(options);
    return new LinuxTun(descriptor, options.name, options.mtu);
  } catch (error) {
    libc().close(descriptor);
    throw error;
  }
}

class LinuxTun implements LinuxTunDevice {
  readonly counters: TunCounters = { packetsRead: 0, packetsWritten: 0, writeErrors: 0 };
  readonly #libc = libc();
  readonly #readBlock = processArena().allocate(MAX_IP_PACKET_BYTES);
  readonly #writeBlock = processArena().allocate(MAX_IP_PACKET_BYTES);
  #state: State;
  #mtu: number;
  #onPacket: PacketHandler = () => {};
  #onClosed: (reason: Error) => void = () => {};

  constructor(
    descriptor: Descriptor,
    readonly name: string,
    mtu: number,
  ) {
    this.#mtu = mtu;
    const watch = watchReadable(descriptor, (readiness) => this.#drain(readiness));
    this.#state = { kind: 'open', descriptor, watch, probe: new TunInterfaceProbe(descriptor) };
  }

  get mtu(): number {
    return this.#mtu;
  }

  onPacket(handler: PacketHandler): void {
    this.#onPacket = handler;
  }

  onClosed(handler: (reason: Error) => void): void {
    this.#onClosed = handler;
  }

  write(packet: Uint8Array): void {
    if (this.#state.kind === 'closed' || packet.length > MAX_IP_PACKET_BYTES) {
      this.counters.writeErrors++;
      return;
    }
    this.#writeBlock.bytes.set(packet);
    const written = this.#libc.write(this.#state.descriptor, this.#writeBlock, packet.length);
    if (written === packet.length) {
      this.counters.packetsWritten++;
      return;
    }
    // A full queue (EAGAIN) or a packet that the kernel does not like costs that packet only.
    this.counters.writeErrors++;
    if (isTunGone(written)) this.#fail(errnoName(written));
  }

  interfaceState(): TunInterfaceState {
    if (this.#state.kind === 'closed') return 'down';
    try {
      const status = this.#state.probe.status();
      if (status.state !== 'unknown') this.#mtu = status.mtu;
      return status.state;
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      this.#fail(error.errno ?? error.code);
      return 'down';
    }
  }

  bringUp(addresses: readonly InterfaceAddress[]): void {
    bringTunUp(this, addresses);
  }

  async close(): Promise<void> {
    this.#release();
  }

  #drain(readiness: Readiness): void {
    for (let count = 0; count < READ_BATCH; count++) {
      if (this.#state.kind === 'closed') return;
      const length = this.#libc.read(this.#state.descriptor, this.#readBlock);
      if (length < 0) {
        if (isTunGone(length) || readiness === 'failed') this.#fail(errnoName(length));
        return;
      }
      this.counters.packetsRead++;
      this.#onPacket(this.#readBlock.bytes.subarray(0, length));
    }
  }

  #fail(errno: string): void {
    this.#release();
    this.#onClosed(new TunError('tun-closed', `the interface ${this.name} was deleted from outside (${errno})`));
  }

  #release(): void {
    if (this.#state.kind === 'closed') return;
    const { descriptor, watch, probe } = this.#state;
    this.#state = { kind: 'closed' };
    watch.close();
    probe.close();
    this.#libc.close(descriptor);
    processArena().release(this.#readBlock);
    processArena().release(this.#writeBlock);
  }
}

type State =
  | {
      readonly kind: 'open';
      readonly descriptor: Descriptor;
      readonly watch: DescriptorWatch;
      readonly probe: TunInterfaceProbe;
    }
  | { readonly kind: 'closed' };

/** True for an errno after which the descriptor never works again: its interface is gone. EIO alone only means it is down. */
export function isTunGone(negativeErrno: number): boolean {
  const name = errnoName(negativeErrno);
  return name === 'EBADFD' || name === 'EBADF' || name === 'ENODEV';
}

/** What `bringUp` does to an interface in the network namespace of the process. */
export function bringTunUp({ name, mtu }: TunDevice, addresses: readonly InterfaceAddress[]): void {
  checkTunOptions({ name, mtu, addresses });
  try {
    for (const address of addresses) setAddress(name, address);
    setInterfaceUp(name);
  } catch (error) {
    throw explainSetupError(name, error);
  }
}

export function checkTunOptions({ name, mtu, addresses }: LinuxTunOptions): void {
  if (!/^[!-~]{1,15}$/.test(name) || /[/:%]/.test(name) || name === '.' || name === '..') {
    throw new TunError(
      'tun-name-invalid',
      `${JSON.stringify(name)} cannot name an interface: use 1 to 15 letters, digits, dots or dashes`,
    );
  }
  const minMtu = addresses.some(({ address }) => address.family === 6) ? MIN_IPV6_MTU : MIN_IPV4_MTU;
  if (!Number.isInteger(mtu) || mtu < minMtu || mtu > MAX_IP_PACKET_BYTES) {
    throw new TunError(
      'tun-settings-invalid',
      `an MTU of ${mtu} is not possible: use ${minMtu} to ${MAX_IP_PACKET_BYTES}`,
    );
  }
  if (addresses.filter(({ address }) => address.family === 4).length > 1) {
    throw new TunError('tun-settings-invalid', `${name} can have one IPv4 address only: leave out the others`);
  }
  for (const { address, length } of addresses) {
    const bits = address.bytes.length * 8;
    if (!Number.isInteger(length) || length < 1 || length > bits) {
      throw new TunError(
        'tun-settings-invalid',
        `${formatIpAddress(address)}/${length} is not possible: use a prefix length of 1 to ${bits}`,
      );
    }
  }
}

function openDescriptor(name: string): Descriptor {
  try {
    return openTunDescriptor(name);
  } catch (error) {
    throw explainTunOpenError(name, error);
  }
}

export function configureTun(options: LinuxTunOptions): void {
  const { name, mtu, addresses, queueLength = DEFAULT_QUEUE_LENGTH, initialState = 'up' } = options;
  try {
    setInterfaceMtu(name, mtu);
    setInterfaceQueueLength(name, queueLength);
    for (const address of addresses) setAddress(name, address);
    if (initialState === 'up') setInterfaceUp(name);
  } catch (error) {
    throw explainSetupError(name, error);
  }
}

function setAddress(name: string, { address, length }: InterfaceAddress): void {
  try {
    setInterfaceAddress(name, address, length);
  } catch (error) {
    // With IPv6 switched off, an address gets EACCES however privileged the process is.
    if (address.family === 4 || !(error instanceof NativeError)) throw error;
    if (error.errno !== 'EACCES' && error.errno !== 'EAFNOSUPPORT') throw error;
    throw tunError(
      'tun-setup-failed',
      `IPv6 is off on this machine: leave out ${formatIpAddress(address)}, or set net.ipv6.conf.all.disable_ipv6 to 0`,
      error,
    );
  }
}

export function explainTunOpenError(name: string, error: unknown): unknown {
  if (!(error instanceof NativeError)) return error;
  switch (error.errno) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return tunError(
        'tun-missing',
        'there is no /dev/net/tun: run `modprobe tun`, or start the container with --device /dev/net/tun',
        error,
      );
    case 'EBUSY':
      return nameTaken(name, error);
    case 'EINVAL':
      // What TUNSETIFF answers for the name of an interface that is not a TUN.
      return interfaceExists(name) ? nameTaken(name, error) : explainSetupError(name, error);
    default:
      return explainSetupError(name, error);
  }
}

function explainSetupError(name: string, error: unknown): unknown {
  if (!(error instanceof NativeError) || error.code !== 'syscall-failed') return error;
  if (error.errno === 'EPERM' || error.errno === 'EACCES') {
    return tunError(
      'tun-permission-denied',
      `no permission to make the interface ${name} (${error.message}): run as root or grant CAP_NET_ADMIN`,
      error,
    );
  }
  return tunError('tun-setup-failed', `the kernel refused to set up ${name}: ${error.message}`, error);
}

function nameTaken(name: string, cause: NativeError): TunError {
  return tunError(
    'tun-name-taken',
    `the interface name ${name} is taken: stop what uses it or choose another name`,
    cause,
  );
}

function tunError(code: TunErrorCode, message: string, cause: NativeError): TunError {
  return new TunError(code, message, { cause });
}

function interfaceExists(name: string): boolean {
  try {
    return interfaceIndex(name) > 0;
  } catch {
    return false;
  }
}

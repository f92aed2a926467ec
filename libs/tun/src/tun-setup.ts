// How a TUN interface gets its settings, and what its user is told when it does not. For the interfaces of KernelTun.

import { formatIpAddress } from '@shadownet/primitives';
import {
  interfaceIndex,
  NativeError,
  setInterfaceAddress,
  setInterfaceMtu,
  setInterfaceQueueLength,
  setInterfaceUp,
} from '@shadownet/native';

import type { InterfaceAddress, TunDevice } from './tun-device.js';
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

/** The IPv6 minimum link MTU (RFC 8200 §5), below which Linux takes IPv6 off the interface. */
const MIN_IPV6_MTU = 1280;
/** The datagram size that every IPv4 host must accept (RFC 791 §3.1). */
const MIN_IPV4_MTU = 576;
/** The largest that the length field of an IPv4 header can tell (RFC 791 §3.1). */
export const MAX_IP_PACKET_BYTES = 65_535;
const DEFAULT_QUEUE_LENGTH = 500;

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

/** Gives a new interface its settings. Throws a TunError. */
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
      `no permission to make the interface ${name} (${error.message}): run as root or grant CAP_NET_ADMIN (in a container: --cap-add NET_ADMIN --device /dev/net/tun)`,
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

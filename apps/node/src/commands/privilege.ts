// Whether this process may make a TUN device, asked before anything is started.

import { closeSync, openSync, readFileSync } from 'node:fs';
import { NodeError } from '../node-error.js';

/** CAP_NET_ADMIN of capabilities(7), as a bit of CapEff in /proc/self/status. */
const CAP_NET_ADMIN = 1n << 12n;
const TUN_DEVICE = '/dev/net/tun';

/** Throws `needs-privilege` with one line that says what is missing and what to do. */
export function requireTunPrivilege(): void {
  if (process.platform !== 'linux') throw new NodeError('needs-privilege', 'a TUN device needs Linux');
  if (!mayAdministerNetwork()) throw new NodeError('needs-privilege', whatToDoForCapability());
  try {
    closeSync(openSync(TUN_DEVICE, 'r+'));
  } catch (error) {
    throw new NodeError('needs-privilege', whatToDoForDevice((error as NodeJS.ErrnoException).code), { cause: error });
  }
}

function mayAdministerNetwork(): boolean {
  try {
    const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return match !== null && (BigInt(`0x${match[1]!}`) & CAP_NET_ADMIN) !== 0n;
  } catch {
    return process.geteuid?.() === 0;
  }
}

/** Root in a container often lacks it, and sudo is of no use there. */
function whatToDoForCapability(): string {
  return process.geteuid?.() === 0
    ? 'root lacks CAP_NET_ADMIN here, which making a network interface needs: start the container with --cap-add NET_ADMIN'
    : 'making a network interface needs CAP_NET_ADMIN: run it with sudo';
}

function whatToDoForDevice(errno = 'unknown error'): string {
  switch (errno) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return `there is no ${TUN_DEVICE}: run modprobe tun, or start the container with --device ${TUN_DEVICE}`;
    default:
      return `${TUN_DEVICE} is closed to this process (${errno}): start the container with --device ${TUN_DEVICE}`;
  }
}

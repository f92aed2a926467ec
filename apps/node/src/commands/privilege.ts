// Whether this process may make a TUN device, asked before anything is started.

import { closeSync, openSync, readFileSync } from 'node:fs';
import { NodeError } from '../node-error.js';

/** CAP_NET_ADMIN of capabilities(7), as a bit of CapEff in /proc/self/status. */
const CAP_NET_ADMIN = 1n << 12n;
const TUN_DEVICE = '/dev/net/tun';

/** What a TUN device lacks here, and what to do about it. */
export interface MissingPrivilege {
  readonly lack: string;
  readonly remedy: string;
}

/** Throws `needs-privilege` with one line that says what is missing and what to do. */
export function requireTunPrivilege(): void {
  const missing = findMissingPrivilege();
  if (missing) throw new NodeError('needs-privilege', `${missing.lack}: ${missing.remedy}`);
}

export function findMissingPrivilege(): MissingPrivilege | undefined {
  if (process.platform !== 'linux') {
    return { lack: `there are no TUN devices as on Linux on ${process.platform}`, remedy: 'run the node on Linux' };
  }
  if (!mayAdministerNetwork()) return missingCapability();
  try {
    closeSync(openSync(TUN_DEVICE, 'r+'));
    return undefined;
  } catch (error) {
    return missingDevice((error as NodeJS.ErrnoException).code);
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
function missingCapability(): MissingPrivilege {
  return process.geteuid?.() === 0
    ? {
        lack: 'root lacks CAP_NET_ADMIN here, which making a network interface needs',
        remedy: 'start the container with --cap-add NET_ADMIN',
      }
    : { lack: 'making a network interface needs CAP_NET_ADMIN', remedy: 'run it with sudo' };
}

function missingDevice(errno = 'unknown error'): MissingPrivilege {
  switch (errno) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return {
        lack: `there is no ${TUN_DEVICE}`,
        remedy: `run modprobe tun, or start the container with --device ${TUN_DEVICE}`,
      };
    default:
      return {
        lack: `${TUN_DEVICE} is closed to this process (${errno})`,
        remedy: `start the container with --device ${TUN_DEVICE}`,
      };
  }
}

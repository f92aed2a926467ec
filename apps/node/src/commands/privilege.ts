// Whether this process may make a TUN device, asked before anything is started.

import { accessSync, constants, readFileSync } from 'node:fs';
import { NodeError } from '../node-error.js';

/** CAP_NET_ADMIN of capabilities(7), as a bit of CapEff in /proc/self/status. */
const CAP_NET_ADMIN = 1n << 12n;

/** Throws `needs-privilege` with one line that says what to do. */
export function requireTunPrivilege(): void {
  if (process.platform !== 'linux') throw new NodeError('needs-privilege', 'a TUN device needs Linux');
  if (!mayAdministerNetwork()) {
    throw new NodeError('needs-privilege', 'making a network interface needs root: run it with sudo');
  }
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    throw new NodeError(
      'needs-privilege',
      '/dev/net/tun is missing or closed to this process: run modprobe tun, or give the container --device /dev/net/tun --cap-add NET_ADMIN',
    );
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

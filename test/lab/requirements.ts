// Whether this machine can carry a lab: asked by the demo and by the e2e specs, which say the answer to the user.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** One clear line that says what is missing and what to do; undefined when nothing is. */
export function whyNoLab(programs: readonly string[] = ['ip', 'iptables', 'ping', 'conntrack']): string | undefined {
  if (process.platform !== 'linux') return `network namespaces exist on Linux only, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'network namespaces need root: run it again with sudo';
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return whyNoTun();
}

/** The device through which a node creates its interface. */
export function whyNoTun(path = '/dev/net/tun'): string | undefined {
  try {
    if (statSync(path).isCharacterDevice()) return undefined;
  } catch {
    // Said below: it is the same for the user.
  }
  return `${path} is missing: load the module with "modprobe tun", or give the container the device (docker run --device ${path} --cap-add NET_ADMIN)`;
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .concat('/usr/sbin', '/sbin')
    .some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

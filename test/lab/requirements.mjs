// Whether this machine can carry a lab: asked by the demo before anything is installed (so: plain JavaScript, no dependencies),
// by the e2e specs, and by the test runner, which says the answer to the user.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const LAB_PROGRAMS = ['ip', 'iptables', 'ping', 'conntrack'];

/** Why the namespace tests cannot run here, in one line; undefined when they can. */
export function whyNoLab() {
  const reason = whyNoNamespaces() ?? whyNoTun();
  if (reason !== undefined) return reason;
  const missing = LAB_PROGRAMS.filter((program) => !isInstalled(program));
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined;
}

export function whyNoNamespaces() {
  if (process.platform !== 'linux') return `network namespaces exist on Linux only, and this is ${process.platform}.`;
  if (process.getuid() !== 0) return 'network namespaces need root: run it again as root, for example with sudo.';
  return undefined;
}

/** The device through which a node makes its interface. */
export function whyNoTun(path = '/dev/net/tun') {
  try {
    if (statSync(path).isCharacterDevice()) return undefined;
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
  }
  return `${path} is missing: load it with "modprobe tun", or start the container with "--device ${path} --cap-add NET_ADMIN".`;
}

/** Why no lab here can have IPv6. */
export function whyNoIpv6() {
  if (!existsSync('/proc/net/if_inet6')) return 'this kernel has no IPv6';
  return isInstalled('ip6tables') ? undefined : 'not installed: ip6tables';
}

/** Whether a program of that name is in the PATH, or where Debian keeps those of root. */
export function isInstalled(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

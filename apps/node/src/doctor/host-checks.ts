// What the doctor looks at on the host itself: the runtime, the TUN, the offloads, and where the node keeps its identity.

import { statSync } from 'node:fs';
import { openLinuxDataPlane } from '@shadownet/dataplane';
import { findMissingPrivilege } from '../commands/privilege.js';
import { type Finding, notTested, ok, problem, warning } from './finding.js';

/** `engines` of package.json. */
const OLDEST_NODE = [20, 19] as const;
const LOWEST_MTU = 1280;

export function checkNodeVersion(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) {
    return ok('node-version', `Node.js ${version}`);
  }
  const needed = OLDEST_NODE.join('.');
  return problem('node-version', `Node.js ${version} is too old`, `install Node.js ${needed} or newer`);
}

export function checkTun(): Finding {
  const missing = findMissingPrivilege();
  if (missing) return problem('tun', missing.lack, missing.remedy);
  return ok('tun', '/dev/net/tun can be opened, and interfaces can be made');
}

/** Makes a data plane as `up` would, with an interface that is never brought up, and lets go of it. */
export async function checkDataPlane(): Promise<Finding> {
  if (findMissingPrivilege()) return notTested('data-plane', 'needs a TUN');
  try {
    const dataPlane = await openLinuxDataPlane({
      tun: { name: `sndoctor${process.pid}`.slice(0, 15), mtu: LOWEST_MTU, addresses: [], initialState: 'down' },
      workerPairs: 1,
      workerEntry: new URL('./packet-worker.js', import.meta.url),
    });
    await dataPlane.close();
    return ok('data-plane', 'the fast one works: TUN and UDP offloads, AEAD of OpenSSL');
  } catch (error) {
    return warning(
      'data-plane',
      `only the portable one works, which is several times slower: ${(error as Error).message}`,
      'use Linux 6.2 or newer on x64 or arm64, and install with optional dependencies (koffi)',
    );
  }
}

export function checkState(directory: string): Finding {
  let mode: number;
  let uid: number;
  try {
    ({ mode, uid } = statSync(directory));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return ok('state', `${directory} will be made by the first up`);
    return problem('state', message, `let this user enter ${directory}, or choose another --state-dir`);
  }
  if ((mode & 0o022) !== 0) return problem('state', `${directory} can be written by others`, `chmod 700 ${directory}`);
  if (uid !== process.geteuid?.()) {
    return problem('state', `${directory} belongs to another user`, 'run as that user, or choose another --state-dir');
  }
  return ok('state', `${directory} is private`);
}

// The programs that the demo and the tests call, the Debian packages that have them, and their installation: only what is missing.
import { existsSync, readdirSync } from 'node:fs';
import { isInstalled } from '../lab/requirements.mjs';
import { runQuietly, step, tail } from './step.mjs';

/** Each package with the programs of which one must be there. */
const FOR_THE_DEMO = {
  iproute2: ['ip'],
  iptables: ['iptables'],
  'iputils-ping': ['ping'],
  curl: ['curl'],
};

const FOR_THE_TESTS = {
  ...FOR_THE_DEMO,
  conntrack: ['conntrack'],
  'miniupnpd-iptables': ['miniupnpd'],
  'wireguard-tools': ['wg'],
  'wireguard-go': ['wireguard-go'],
  iperf3: ['iperf3'],
  tcpdump: ['tcpdump'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
};

const FOR_THE_BENCHMARK = {
  iproute2: ['ip'],
  'iputils-ping': ['ping'],
  'wireguard-tools': ['wg'],
  'wireguard-go': ['wireguard-go'],
  iperf3: ['iperf3'],
};

const FOR_COMPILING = { python3: ['python3'], make: ['make'], 'g++': ['g++'] };

const PACKAGES = { demo: FOR_THE_DEMO, tests: FOR_THE_TESTS, benchmark: FOR_THE_BENCHMARK, compiling: FOR_COMPILING };

/** The packages that `purpose` ("demo", "tests", "benchmark" or "compiling") needs and this machine does not have. */
export function missingPackages(purpose) {
  return Object.entries(PACKAGES[purpose])
    .filter(([, programs]) => !programs.some(isInstalled))
    .map(([name]) => name);
}

export function installCommand(packages) {
  return `sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** Installs what it can, and returns the packages that are still missing with the reason in words. */
export async function installPackages(packages) {
  if (packages.length === 0) return { missing: [] };
  if (process.getuid?.() !== 0) return { missing: packages, reason: 'not root' };
  if (!isInstalled('apt-get')) return { missing: packages, reason: 'this system has no apt-get' };
  return step(`installing ${packages.join(', ')}`, async () => {
    if (!hasPackageLists()) await aptGet('update');
    let result = await install(packages);
    if (!result.ok) {
      // The lists may name versions that the mirror no longer has.
      await aptGet('update');
      result = await install(packages);
    }
    if (result.ok) return { missing: [] };
    // One package that this release does not have must not keep the others out.
    const missing = [];
    for (const name of packages) if (!(await install([name])).ok) missing.push(name);
    return { missing, reason: `apt-get said: ${tail(result.output, 2).replaceAll('\n', ' ')}` };
  });
}

function install(packages) {
  return aptGet('install', '--yes', '--no-install-recommends', ...packages);
}

function aptGet(...args) {
  return runQuietly(['apt-get', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function hasPackageLists() {
  const folder = '/var/lib/apt/lists';
  return (
    existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('_Packages') || name.includes('_Packages.'))
  );
}

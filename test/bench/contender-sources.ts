// The contenders: ours, Debian's and the newest wireguard-go, boringtun, and the bare wire. What is not
// installed is built once, as its authors say, into node_modules/.cache/shadownet-bench.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { tryRun } from '../lab/command.js';
import { inRepository } from '../lab/repository.js';
import { isInstalled } from '../lab/requirements.mjs';
import { type ContenderSource, type Obtained } from './contender.js';
import { DEBIAN, NEWEST, SUBJECT } from './gates.js';

const CACHE = 'node_modules/.cache/shadownet-bench';
const OURS = 'node_modules/.bin/shadownet-wg';
type Command = readonly [string, ...string[]];

const BUILD_TIMEOUT_MS = 30 * 60_000;

/** In the order in which they take turns. */
export const CONTENDER_SOURCES: readonly ContenderSource[] = [
  // Asked for by name it fails where it cannot work, instead of falling back.
  { id: SUBJECT, title: 'shadownet-wg', obtain: () => obtainOurs('linux') },
  { id: DEBIAN, title: "Debian's wireguard-go", obtain: obtainDebianWireGuardGo },
  { id: NEWEST, title: 'newest wireguard-go', obtain: obtainNewestWireGuardGo },
  { id: 'boringtun', title: 'boringtun-cli', obtain: obtainBoringtun },
  {
    id: 'shadownet-wg-portable',
    title: 'shadownet-wg, portable',
    obtain: () => obtainOurs('portable'),
  },
  {
    id: 'veth',
    title: 'bare veth',
    obtain: () => Promise.resolve({ ok: true, version: 'the wire between the hosts, without a tunnel' }),
  },
];

async function obtainOurs(dataPlane: 'linux' | 'portable'): Promise<Obtained> {
  const program = inRepository(OURS);
  const { code, stdout, stderr } = await tryRun([program, '--help']);
  if (code !== 0) return { ok: false, reason: `${OURS} does not start: ${lastLine(stderr)}` };
  if (!stdout.includes('--dataplane')) return { ok: false, reason: 'this build of shadownet-wg has no --dataplane' };
  const options = ['--dataplane', dataPlane];
  const version = (await tryRun([program, '--version'])).stdout.trim();
  const command = (name: string): string[] => [program, ...options, '--foreground', name];
  return { ok: true, version: [version, ...options].join(' '), command };
}

async function obtainDebianWireGuardGo(): Promise<Obtained> {
  if (!isInstalled('wireguard-go'))
    return { ok: false, reason: 'wireguard-go is not installed (apt-get install wireguard-go)' };
  const { code, stdout } = await tryRun(['dpkg-query', '-W', '-f=${Version}', 'wireguard-go']);
  if (code !== 0) return { ok: false, reason: 'the wireguard-go in the PATH is not from a Debian package' };
  return { ok: true, version: `package ${stdout.trim()}`, command: (name) => ['wireguard-go', '--foreground', name] };
}

async function obtainNewestWireGuardGo(): Promise<Obtained> {
  const program = inRepository(`${CACHE}/wireguard-go/wireguard`);
  const install: Command = ['go', 'install', 'golang.zx2c4.com/wireguard@latest'];
  const problem = await buildOnce(program, install, { GOBIN: dirname(program) });
  if (problem !== undefined) return { ok: false, reason: problem };
  const { stdout } = await tryRun(['go', 'version', '-m', program]);
  const module = /\tmod\tgolang\.zx2c4\.com\/wireguard\t(\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
  const toolchain = /: (go\S+)/.exec(stdout)?.[1] ?? 'an unknown Go';
  return {
    ok: true,
    version: `${module}, built with ${toolchain}`,
    command: (name) => [program, '--foreground', name],
  };
}

async function obtainBoringtun(): Promise<Obtained> {
  const program = inRepository(`${CACHE}/boringtun/bin/boringtun-cli`);
  const install: Command = [
    'cargo',
    'install',
    'boringtun-cli',
    '--locked',
    '--root',
    inRepository(`${CACHE}/boringtun`),
  ];
  const intermediate = inRepository(`${CACHE}/boringtun/target`);
  const problem = await buildOnce(program, install, { CARGO_TARGET_DIR: intermediate });
  rmSync(intermediate, { recursive: true, force: true });
  if (problem !== undefined) return { ok: false, reason: problem };
  const { stdout } = await tryRun([program, '--version']);
  const command = (name: string): string[] => [program, '--disable-drop-privileges', '--foreground', name];
  return { ok: true, version: stdout.trim(), command };
}

/** Runs `argv` if `program` is not there yet; why it is still not there, if so. */
async function buildOnce(program: string, argv: Command, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (existsSync(program)) return undefined;
  if ((await tryRun([argv[0], argv[0] === 'go' ? 'version' : '--version'])).code !== 0) {
    return `not built yet, and "${argv[0]}" is not in the PATH`;
  }
  process.stdout.write(`Building: ${argv.join(' ')} …\n`);
  mkdirSync(dirname(program), { recursive: true });
  const { code, stderr } = await tryRun(argv, {
    timeoutMs: BUILD_TIMEOUT_MS,
    env: { ...process.env, ...environment },
  });
  return code === 0 && existsSync(program) ? undefined : `"${argv.join(' ')}" failed: ${lastLine(stderr)}`;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

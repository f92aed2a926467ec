// The command line and environment of shadownet-wg: those of wireguard-go. Read once at start; used by main.ts.

import { Command, Option } from 'commander';
import { type DataPlaneKind, defaultWorkerPairs, MAX_WORKER_PAIRS } from '@shadownet/dataplane';
import { VERSION } from './version.js';
import type { WgLogLevel } from './wg-log.js';

export interface WgConfig {
  readonly interfaceName: string;
  readonly mode: 'foreground' | 'daemon';
  readonly logLevel: WgLogLevel;
  readonly dataPlane: DataPlaneKind | 'best';
  /** Pairs of threads that move packets, 1…MAX_WORKER_PAIRS. */
  readonly workerPairs: number;
  /** Whether a daemon's log goes to where the output of the process that started it goes; nowhere otherwise. */
  readonly daemonLog: 'inherited' | 'none';
  /** Where timestamp reservations are kept. */
  readonly stateDirectory: string;
}

const DEFAULT_STATE_DIRECTORY = '/var/lib/shadownet-wg';

const DATA_PLANES: readonly DataPlaneKind[] = ['linux', 'portable'];

/** By these wireguard-go takes over an interface and a socket that are there, its own daemon's for the most part. */
const INHERITED_DESCRIPTORS = ['WG_TUN_FD', 'WG_UAPI_FD'];

const HELP = `
Environment:
  LOG_LEVEL                 silent, error (default), verbose or debug
  WG_PROCESS_FOREGROUND=1   the same as --foreground
  SHADOWNET_DATAPLANE       linux or portable, as --dataplane
  SHADOWNET_WORKERS         1 to ${MAX_WORKER_PAIRS}, as --workers
  STATE_DIRECTORY           where timestamps are reserved (default: ${DEFAULT_STATE_DIRECTORY})

Examples:
  shadownet-wg wg0 && wg setconf wg0 wg0.conf && ip link set wg0 up
  WG_QUICK_USERSPACE_IMPLEMENTATION=shadownet-wg wg-quick up wg0
`;

/** Reads `argv` (without program names). Prints help, version or a usage error and ends the process where asked to, or needed. */
export function readConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): WgConfig {
  const command = new Command('shadownet-wg')
    .description('A WireGuard interface in user space, configured with wg and wg-quick')
    .argument('<interface>', 'the name of the interface that is made')
    .addOption(new Option('-f, --foreground', 'stay attached instead of becoming a daemon'))
    .addOption(
      new Option('--dataplane <kind>', 'how packets are moved: the best that works, unless told').choices(DATA_PLANES),
    )
    .addOption(
      new Option('--workers <pairs>', 'pairs of threads that move packets: one for each two processors, unless told'),
    )
    .version(VERSION)
    .addHelpText('after', HELP);
  command.parse([...argv], { from: 'user' });
  const inherited = INHERITED_DESCRIPTORS.find((name) => environment[name]);
  if (inherited) command.error(`error: ${inherited} is set: shadownet-wg makes its interface and its socket itself`);
  const [interfaceName] = command.args as [string];
  const { dataplane, foreground, workers } = command.opts<{
    dataplane?: DataPlaneKind;
    foreground?: true;
    workers?: string;
  }>();
  const isForeground = foreground === true || environment['WG_PROCESS_FOREGROUND'] === '1';
  const logLevel = readLogLevel(environment['LOG_LEVEL']);
  return Object.freeze({
    interfaceName,
    mode: isForeground ? 'foreground' : 'daemon',
    logLevel,
    dataPlane: dataplane ?? readDataPlane(environment['SHADOWNET_DATAPLANE'], command),
    workerPairs:
      readWorkerPairs(workers, '--workers', command) ??
      readWorkerPairs(environment['SHADOWNET_WORKERS'] || undefined, 'SHADOWNET_WORKERS', command) ??
      defaultWorkerPairs(),
    daemonLog: environment['LOG_LEVEL'] && logLevel !== 'silent' ? 'inherited' : 'none',
    stateDirectory: environment['STATE_DIRECTORY'] || DEFAULT_STATE_DIRECTORY,
  });
}

function readDataPlane(text: string | undefined, command: Command): WgConfig['dataPlane'] {
  if (!text) return 'best';
  const kind = DATA_PLANES.find((known) => known === text);
  return kind ?? command.error(`error: SHADOWNET_DATAPLANE is ${text}: use ${DATA_PLANES.join(' or ')}`);
}

function readWorkerPairs(text: string | undefined, source: string, command: Command): number | undefined {
  if (text === undefined) return undefined;
  const pairs = /^[0-9]{1,3}$/.test(text) ? Number(text) : NaN;
  if (pairs >= 1 && pairs <= MAX_WORKER_PAIRS) return pairs;
  const message = `error: ${source} is ${JSON.stringify(text)}: use a whole number from 1 to ${MAX_WORKER_PAIRS}`;
  return command.error(message, { code: 'workers-invalid' });
}

/** Anything else is `error`, as with wireguard-go. */
function readLogLevel(text: string | undefined): WgLogLevel {
  switch (text) {
    case 'silent':
      return 'silent';
    case 'verbose':
    case 'debug':
      return 'verbose';
    default:
      return 'error';
  }
}

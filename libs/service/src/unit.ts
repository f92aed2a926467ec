// A hardened systemd service unit (systemd.exec(5)): a user of its own that lives as long as the service, the capabilities and devices
// that are named and no others. V8 compiles at run time, so memory has to be allowed to become executable.

export type UnitArgument = string | { readonly credential: string };

export interface ServiceUnit {
  /** Without `.service`. */
  readonly name: string;
  readonly description: string;
  /** The program and its arguments, each as it shall arrive; of a credential the path of the file that has it. */
  readonly command: readonly UnitArgument[];
  /** Files of root's that the service may read, each by a name (systemd.exec(5), LoadCredential). */
  readonly credentials: readonly { readonly name: string; readonly path: string }[];
  /** Of capabilities(7), as CAP_NET_ADMIN; none: the service has no privilege at all. */
  readonly capabilities: readonly string[];
  /** Under /dev, beside those that every service may open (null, zero, random …). */
  readonly devices: readonly string[];
  /** Under /var/lib. */
  readonly stateDirectory: string;
  /** Under /run; gone when the service ends. */
  readonly runtimeDirectory?: string;
  /** Exit codes after which it is of no use to start it again. */
  readonly finalExitCodes: readonly number[];
  /** Units that it wants, and starts after. */
  readonly after: readonly string[];
}

export function formatUnit(unit: ServiceUnit): string {
  const { capabilities, devices, runtimeDirectory } = unit;
  return [
    '[Unit]',
    `Description=${unit.description}`,
    `Wants=${unit.after.join(' ')}`,
    `After=${unit.after.join(' ')}`,
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${unit.command.map(formatArgument).join(' ')}`,
    'Restart=on-failure',
    'RestartSec=2',
    `RestartPreventExitStatus=${unit.finalExitCodes.join(' ')}`,
    'TimeoutStopSec=15',
    '',
    'DynamicUser=yes',
    ...unit.credentials.map(({ name, path }) => `LoadCredential=${name}:${path}`),
    `CapabilityBoundingSet=${capabilities.join(' ')}`,
    `AmbientCapabilities=${capabilities.join(' ')}`,
    'NoNewPrivileges=yes',
    `StateDirectory=${unit.stateDirectory}`,
    'StateDirectoryMode=0700',
    ...(runtimeDirectory === undefined ? [] : [`RuntimeDirectory=${runtimeDirectory}`, 'RuntimeDirectoryMode=0700']),
    'UMask=0077',
    '',
    'ProtectSystem=strict',
    'ProtectHome=yes',
    'PrivateTmp=yes',
    ...(devices.length === 0
      ? ['PrivateDevices=yes']
      : ['DevicePolicy=closed', ...devices.map((device) => `DeviceAllow=${device} rw`)]),
    'ProtectProc=invisible',
    'ProtectClock=yes',
    'ProtectHostname=yes',
    'ProtectControlGroups=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'LockPersonality=yes',
    'RemoveIPC=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@resources @privileged',
    'SystemCallErrorNumber=EPERM',
    '# V8 compiles at run time.',
    'MemoryDenyWriteExecute=no',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** `%d` is the folder of the service's credentials. */
function formatArgument(argument: UnitArgument): string {
  return typeof argument === 'string' ? quoteArgument(argument) : `%d/${argument.credential}`;
}

/** For ExecStart (systemd.service(5), "Command lines"): `%` and `$` would be expanded, quotes and spaces would split. */
export function quoteArgument(argument: string): string {
  const escaped = argument
    .replace(/[\\"]/g, '\\$&')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
    .replaceAll('\n', '\\n');
  return /^[A-Za-z0-9_./:=@,%$+-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

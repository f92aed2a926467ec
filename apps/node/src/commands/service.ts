// `shadownet-node install` and `uninstall`: the node as a systemd service, with a user of its own and CAP_NET_ADMIN only.

import { formatJoinKey } from '@shadownet/contracts';
import { type ConfigFile, installService, ownCommand, type ServiceUnit, uninstallService } from '@shadownet/service';
import { stringify as formatToml } from 'smol-toml';
import { DEFAULT_INTERFACE, type ServiceConfig } from '../config.js';
import { ExitCode } from '../exit-code.js';
import { printLine } from './terminal.js';

const JOIN_KEY = 'join-key';

export async function install(config: ServiceConfig): Promise<void> {
  const { interfaceName, root } = config;
  const name = unitName(interfaceName);
  const written = configFile(config);
  const joinKey = joinKeyFile(config);
  const directory = directoryName(interfaceName);
  const unit: ServiceUnit = {
    name,
    description: `ShadowNet node on ${interfaceName}`,
    command: [
      ...[...ownCommand(), 'up', '--foreground', '--interface', interfaceName],
      ...['--config', written?.path ?? config.file!],
      ...['--state-dir', `/var/lib/${directory}`, '--run-dir', `/run/${directory}`],
      ...(joinKey ? ['--join-key-file', { credential: JOIN_KEY }] : []),
    ],
    credentials: joinKey ? [{ name: JOIN_KEY, path: joinKey.path }] : [],
    capabilities: ['CAP_NET_ADMIN'],
    devices: ['/dev/net/tun'],
    stateDirectory: directory,
    runtimeDirectory: directory,
    finalExitCodes: [ExitCode.usage, ExitCode.needsPrivilege],
    after: ['network-online.target'],
  };
  const files = [written, joinKey].filter((file) => file !== undefined);
  for (const line of await installService(unit, files, { root })) printLine(line);
  const where = interfaceName === DEFAULT_INTERFACE ? '' : ` --interface ${interfaceName} --run-dir /run/${directory}`;
  printLine(`see how it does: shadownet-node status${where}`);
}

export async function uninstall({ interfaceName, root }: ServiceConfig): Promise<void> {
  for (const line of await uninstallService(unitName(interfaceName), { root })) printLine(line);
  printLine(
    `its identity stays in /var/lib/${directoryName(interfaceName)}, its settings in ${configPath(interfaceName)}`,
  );
}

/** The settings that were given, for `--config`; none if a file was named. */
function configFile({ interfaceName, file, settings }: ServiceConfig): ConfigFile | undefined {
  if (file !== undefined) return undefined;
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) if (value !== undefined) values[name] = value;
  return { path: configPath(interfaceName), text: `${formatToml(values).trimEnd()}\n`, readers: 'everybody' };
}

/** A copy of the join key that stays where the service finds it: the user of the service could not read the one that was named. */
function joinKeyFile({ interfaceName, joinKey }: ServiceConfig): ConfigFile | undefined {
  if (!joinKey) return undefined;
  return { path: `/etc/shadownet/${interfaceName}.join-key`, text: `${formatJoinKey(joinKey)}\n`, readers: 'root' };
}

function configPath(interfaceName: string): string {
  return `/etc/shadownet/${interfaceName}.toml`;
}

function unitName(interfaceName: string): string {
  return interfaceName === DEFAULT_INTERFACE ? 'shadownet-node' : `shadownet-node-${interfaceName}`;
}

function directoryName(interfaceName: string): string {
  return interfaceName === DEFAULT_INTERFACE ? 'shadownet' : `shadownet-${interfaceName}`;
}

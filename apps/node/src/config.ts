// The configuration of every command: flag before environment before file before default; read and checked once, then frozen.

import { readFileSync } from 'node:fs';
import { hostname as systemHostname } from 'node:os';
import { resolve } from 'node:path';
import { type JoinKey, parseJoinKey } from '@shadownet/contracts';
import { defaultWorkerPairs, MAX_WORKER_PAIRS } from '@shadownet/dataplane';
import {
  type Duration,
  nearestName,
  parsePublicKey,
  type PublicKey,
  publicKeysEqual,
  seconds,
} from '@shadownet/primitives';
import { UAPI_DIRECTORY } from '@shadownet/uapi';
import { parse as parseToml } from 'smol-toml';
import { NodeError } from './node-error.js';

/** A host (name or address) and a UDP port. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DATA_PLANES = ['auto', 'linux', 'portable'] as const;
export type DataPlaneSetting = (typeof DATA_PLANES)[number];

const SWITCH = ['on', 'off'] as const;

export const DEFAULT_INTERFACE = 'shadownet0';

/** What every command that talks to a running node needs. */
export interface LocalConfig {
  readonly interfaceName: string;
  readonly runDirectory: string;
}

/** What `up` needs. */
export interface NodeConfig extends LocalConfig {
  /** Where the control server's API is; its path is a prefix. */
  readonly control: URL;
  /** The server's key, if it was given: no other is taken, on first contact neither. */
  readonly controlKey: PublicKey | undefined;
  /** Shows that this host may join; needed once. */
  readonly joinKey: JoinKey | undefined;
  readonly stateDirectory: string;
  /** Where the socket for `wg` is made; `undefined`: nowhere. */
  readonly uapiDirectory: string | undefined;
  readonly hostname: string;
  /** 0: the port of the last run, or any. */
  readonly port: number;
  /** `undefined`: what the control server announces. */
  readonly stunServers: readonly HostAndPort[] | undefined;
  readonly logLevel: LogLevel;
  /** How long `up` may take to become usable. */
  readonly startTimeout: Duration;
  /** Whether the router is asked to forward the node's port. */
  readonly portMapping: 'on' | 'off';
  /** Whether ports of hard NATs are guessed, with hundreds of probes and further sockets. */
  readonly portGuessing: 'on' | 'off';
  /** How packets are moved; `auto`: by the fastest way that works here. */
  readonly dataPlane: DataPlaneSetting;
  /** Pairs of threads that move packets, 1…MAX_WORKER_PAIRS. */
  readonly workerPairs: number;
}

/** What `doctor` needs. */
export interface DoctorConfig extends LocalConfig {
  /** `undefined`: that of the running node, if there is one. */
  readonly control: URL | undefined;
  readonly stateDirectory: string;
}

/** What `install` and `uninstall` need. */
export interface ServiceConfig {
  readonly interfaceName: string;
  /** Where the system lies: `/`, or an image. */
  readonly root: string;
  /** The file with the settings, if they are in one. */
  readonly file: string | undefined;
  /** What was given otherwise, for a file that is written: all but the interface and the directories, which a service has of its own. */
  readonly settings: Readonly<Partial<Record<Setting, string>>>;
  readonly joinKey: JoinKey | undefined;
}

/** What `netcheck` needs. */
export interface NetcheckConfig {
  /** Whose STUN servers are asked, unless others are given; one of the two is there. */
  readonly control: URL | undefined;
  readonly stunServers: readonly HostAndPort[] | undefined;
  readonly stateDirectory: string;
  /** Silences up to this long are tested; `undefined`: none. */
  readonly longestSilence: Duration | undefined;
}

/** The settings by their names in a file. The flag has dashes instead, the environment SHADOWNET_ and upper case. */
export const SETTINGS = [
  'control',
  'control_key',
  'join_key_file',
  'interface',
  'state_dir',
  'run_dir',
  'uapi_dir',
  'hostname',
  'port',
  'stun',
  'log_level',
  'timeout',
  'dataplane',
  'port_mapping',
  'port_guessing',
  'workers',
] as const;
export type Setting = (typeof SETTINGS)[number];

/** What the unit of a service says, each of its own. */
const SERVICE_OWN: ReadonlySet<Setting> = new Set(['interface', 'state_dir', 'run_dir', 'join_key_file']);

/** Flags as typed, by setting; `config` names the file. */
export type Flags = Partial<Record<Setting | 'config', string>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value, and what to call its source in an error message. */
interface Given {
  readonly text: string;
  readonly source: string;
}

type Settings = Partial<Record<Setting, Given>>;

/** Throws `usage` with one line that names the source of what is wrong. */
export function readNodeConfig(flags: Flags, environment: Environment): NodeConfig {
  const settings = gatherSettings(flags, environment);
  const control = settings.control;
  if (!control)
    throw usage('which control server? Give --control URL, SHADOWNET_CONTROL, or control in a --config file');
  return Object.freeze({
    ...localConfig(settings),
    control: parseControl(control),
    controlKey: controlKey(settings, control),
    joinKey: readJoinKey(settings, environment),
    stateDirectory: stateDirectory(settings),
    uapiDirectory: settings.uapi_dir?.text === 'off' ? undefined : resolve(settings.uapi_dir?.text ?? UAPI_DIRECTORY),
    hostname: settings.hostname ? parseHostname(settings.hostname) : ownHostname(systemHostname()),
    port: settings.port ? parseNumber(settings.port, 0, 0xffff) : 0,
    stunServers: settings.stun && parseStunServers(settings.stun),
    logLevel: settings.log_level ? parseChoice(settings.log_level, LOG_LEVELS) : 'info',
    startTimeout: seconds(settings.timeout ? parseNumber(settings.timeout, 1, 3600) : 30),
    portMapping: settings.port_mapping ? parseChoice(settings.port_mapping, SWITCH) : 'on',
    portGuessing: settings.port_guessing ? parseChoice(settings.port_guessing, SWITCH) : 'on',
    dataPlane: settings.dataplane ? parseChoice(settings.dataplane, DATA_PLANES) : 'auto',
    workerPairs: settings.workers ? parseNumber(settings.workers, 1, MAX_WORKER_PAIRS) : defaultWorkerPairs(),
  });
}

/** Throws `usage`, as above. `lifetime` is what the command's own flag of that name says. */
export function readNetcheckConfig(flags: Flags, environment: Environment, lifetime?: string): NetcheckConfig {
  const settings = gatherSettings(flags, environment);
  if (!settings.control && !settings.stun) {
    throw usage('which servers to ask? Give --control URL, SHADOWNET_CONTROL, or --stun host:port,host:port');
  }
  const silence = lifetime === undefined ? undefined : { text: lifetime, source: '--lifetime' };
  if (silence && !settings.control)
    throw usage('--lifetime needs --control: only a control server answers again later');
  return Object.freeze({
    control: settings.control && parseControl(settings.control),
    stunServers: settings.stun && parseStunServers(settings.stun),
    stateDirectory: stateDirectory(settings),
    longestSilence: silence && seconds(parseNumber(silence, 1, 300)),
  });
}

/** Throws `usage`, as above. */
export function readDoctorConfig(flags: Flags, environment: Environment): DoctorConfig {
  const settings = gatherSettings(flags, environment);
  return Object.freeze({
    ...localConfig(settings),
    control: settings.control && parseControl(settings.control),
    stateDirectory: stateDirectory(settings),
  });
}

/** Of a service that `up` must be able to start: throws `usage`, as above, and if settings are given in two ways. */
export function readServiceConfig(flags: Flags, environment: Environment, root: string): ServiceConfig {
  const { interfaceName, joinKey } = readNodeConfig(flags, environment);
  const file = configFileOf(flags, environment);
  const settings: Partial<Record<Setting, string>> = {};
  for (const [name, given] of Object.entries(gatherSettings(flags, environment, {}))) {
    if (!SERVICE_OWN.has(name as Setting)) settings[name as Setting] = given.text;
  }
  if (file !== undefined && Object.keys(settings).length > 0) {
    throw usage(`give ${Object.keys(settings).join(', ')} in ${file}, which the service reads, and not beside it`);
  }
  return Object.freeze({ interfaceName, root: resolve(root), file: file && resolve(file), settings, joinKey });
}

/** Of a service that is there already. Throws `usage`, as above. */
export function readInstalledServiceConfig(flags: Flags, environment: Environment, root: string): ServiceConfig {
  const { interfaceName } = readLocalConfig(flags, environment);
  return Object.freeze({ interfaceName, root: resolve(root), file: undefined, settings: {}, joinKey: undefined });
}

/** Throws `usage`, as above. */
export function readLocalConfig(flags: Flags, environment: Environment): LocalConfig {
  return Object.freeze(localConfig(gatherSettings(flags, environment)));
}

/** What a flag of one command says. Throws `usage`. */
export function parseCount(flag: string, text: string): number {
  return parseNumber({ text, source: flag }, 1, 1_000_000);
}

function stateDirectory(settings: Settings): string {
  return resolve(settings.state_dir?.text ?? '/var/lib/shadownet');
}

function localConfig(settings: Settings): LocalConfig {
  return {
    interfaceName: settings.interface ? parseInterfaceName(settings.interface) : DEFAULT_INTERFACE,
    runDirectory: resolve(settings.run_dir?.text ?? '/run/shadownet'),
  };
}

function gatherSettings(
  flags: Flags,
  environment: Environment,
  fromFile = readConfigFile(configFileOf(flags, environment)),
): Settings {
  const settings: Settings = {};
  for (const setting of SETTINGS) {
    const variable = `SHADOWNET_${setting.toUpperCase()}`;
    const flag = flags[setting];
    const inEnvironment = nonEmpty(environment[variable]);
    const given =
      flag !== undefined
        ? { text: flag, source: `--${setting.replaceAll('_', '-')}` }
        : inEnvironment !== undefined
          ? { text: inEnvironment, source: variable }
          : fromFile[setting];
    if (given) settings[setting] = given;
  }
  return settings;
}

/** A variable that is set to nothing counts as not set, as service managers do it. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function configFileOf(flags: Flags, environment: Environment): string | undefined {
  return flags.config ?? nonEmpty(environment.SHADOWNET_CONFIG);
}

function readConfigFile(path: string | undefined): Settings {
  if (path === undefined) return {};
  let text: string;
  let values: Record<string, unknown>;
  try {
    text = readFileSync(path, 'utf8');
    values = parseToml(text);
  } catch (error) {
    throw usage(`${path}: ${(error as Error).message.split('\n')[0]}`);
  }
  const settings: Settings = {};
  for (const [key, value] of Object.entries(values)) {
    if (!isSetting(key)) throw unknownKey(`${path}:${lineOfKey(text, key)}`, key);
    settings[key] = { text: settingText(path, key, value), source: `${path}: ${key}` };
  }
  return settings;
}

function unknownKey(place: string, key: string): NodeError {
  const nearest = nearestName(key, SETTINGS);
  const advice = nearest === undefined ? `known are ${SETTINGS.join(', ')}` : `did you mean ${nearest}?`;
  return usage(`${place}: unknown key ${JSON.stringify(key)}; ${advice}`);
}

/** From 1 on. A key stands at the start of a line, bare or quoted, or names a table. */
function lineOfKey(text: string, key: string): number {
  const escaped = key.replace(/[^A-Za-z0-9_-]/g, '\\$&');
  const at = new RegExp(`^[ \\t]*\\[{0,2}[ \\t]*["']?${escaped}(?![A-Za-z0-9_-])`, 'm').exec(text)?.index ?? 0;
  return text.slice(0, at).split('\n').length;
}

function isSetting(key: string): key is Setting {
  return (SETTINGS as readonly string[]).includes(key);
}

/** Text, a whole number, or (as `stun`) a list of texts. */
function settingText(path: string, key: Setting, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return value.join(',');
  throw usage(`${path}: ${key} must be a text or a number`);
}

/** Without what stands behind `#`, which is the server's key. */
function parseControl(given: Given): URL {
  const [text] = given.text.split('#', 1);
  const url = URL.canParse(text!) ? new URL(text!) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.search !== '') {
    throw invalid(given, 'a URL such as http://203.0.113.10:8080');
  }
  if (url.username !== '' || url.password !== '') throw invalid(given, 'a URL without a user name or password');
  return url;
}

/** By a setting of its own, or behind the `#` of the URL. */
function controlKey({ control_key: setting }: Settings, control: Given): PublicKey | undefined {
  const hash = control.text.indexOf('#');
  const inUrl = hash === -1 ? undefined : { text: control.text.slice(hash + 1), source: control.source };
  const [own, other] = [setting, inUrl].map((given) => given && parseKey(given));
  if (own && other && !publicKeysEqual(own, other)) {
    throw usage(`${setting!.source} and ${control.source} name different keys of the control server`);
  }
  return own ?? other;
}

function parseKey(given: Given): PublicKey {
  const key = parsePublicKey(given.text);
  if (key) return key;
  throw invalid(given, "a control server's public key: 44 characters, as shadownet-control logs it at its start");
}

const JOIN_KEY_VARIABLE = 'SHADOWNET_JOIN_KEY';
const STDIN = 0;

/** From the environment, else from the file; never from the command line, which every user of the host can read. */
function readJoinKey({ join_key_file: file }: Settings, environment: Environment): JoinKey | undefined {
  const inEnvironment = nonEmpty(environment[JOIN_KEY_VARIABLE]);
  if (inEnvironment !== undefined) return parseJoinKeyOf(JOIN_KEY_VARIABLE, inEnvironment);
  if (!file) return undefined;
  const source = file.text === '-' ? 'stdin' : file.text;
  let text: string;
  try {
    text = readFileSync(file.text === '-' ? STDIN : file.text, 'utf8');
  } catch (error) {
    throw usage(`${file.source}: ${(error as Error).message}`);
  }
  return parseJoinKeyOf(source, text);
}

/** What it says is not shown: it may be a key that was copied incompletely. */
function parseJoinKeyOf(source: string, text: string): JoinKey {
  const key = parseJoinKey(text.trim());
  if (key) return key;
  throw usage(`${source} holds no join key: one begins with snjoin-, and shadownet-control join-key create makes it`);
}

function parseInterfaceName(given: Given): string {
  if (/^[A-Za-z0-9_.-]{1,15}$/.test(given.text) && !/^\.+$/.test(given.text)) return given.text;
  throw invalid(given, 'an interface name: 1 to 15 letters, digits, dots, dashes or underscores');
}

function parseHostname(given: Given): string {
  const name = ownHostname(given.text);
  if (name === given.text) return name;
  throw invalid(given, 'a host name: letters, digits, dashes and dots, 253 at most');
}

/** The name as the control server takes it (RFC 1123 and underscores): what does not fit is left out. */
function ownHostname(name: string): string {
  const labels = name.split('.').map((label) =>
    label
      .replace(/[^A-Za-z0-9_-]/g, '')
      .replace(/^-+/, '')
      .slice(0, 63),
  );
  const fitting = labels.filter((label) => label !== '').join('.');
  return fitting.length <= 253 && fitting !== '' ? fitting : 'node';
}

function parseStunServers(given: Given): HostAndPort[] {
  return given.text.split(',').map((part) => {
    const match = /^\s*(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})\s*$/.exec(part);
    const port = Number(match?.[3]);
    if (!match || port < 1 || port > 0xffff) throw invalid(given, 'host:port, or several separated by commas');
    return { host: (match[1] ?? match[2])!, port };
  });
}

function parseChoice<Choice extends string>(given: Given, choices: readonly Choice[]): Choice {
  const choice = choices.find((known) => known === given.text);
  if (choice !== undefined) return choice;
  throw invalid(given, `one of ${choices.join(', ')}`);
}

function parseNumber(given: Given, lowest: number, highest: number): number {
  const value = /^\d{1,9}$/.test(given.text) ? Number(given.text) : NaN;
  if (value >= lowest && value <= highest) return value;
  throw invalid(given, `a whole number from ${lowest} to ${highest}`);
}

function invalid(given: Given, expected: string): NodeError {
  return usage(`${given.source}: ${JSON.stringify(given.text)} is not ${expected}`);
}

function usage(message: string): NodeError {
  return new NodeError('usage', message);
}

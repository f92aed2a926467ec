// One network namespace of a lab: what runs in it, and the devices that join it to others. No device of a lab is ever in the
// namespace of the machine itself: both ends of a veth pair are made where they belong.
import { spawn } from 'node:child_process';
import { type CommandOptions, type CommandOutput, run, runSync, tryRun } from './command.js';
import { LabProcess } from './lab-process.js';

/** IFNAMSIZ is 16 with the terminating zero. */
const MAX_DEVICE_NAME = 15;

export class NetworkNamespace {
  protected constructor(
    /** The name given in the lab, for example `nat-a`. */
    readonly label: string,
    /** The name that `ip netns` knows. */
    readonly name: string,
  ) {}

  static async create(label: string, name: string): Promise<NetworkNamespace> {
    await addNamespace(name);
    return new NetworkNamespace(label, name);
  }

  /** Runs a program to its end inside; throws a CommandError unless it ends with 0. */
  run(argv: readonly string[], options?: CommandOptions): Promise<CommandOutput> {
    return run(['ip', 'netns', 'exec', this.name, ...argv], options);
  }

  /** Like `run`, but the caller looks at the exit code. */
  tryRun(argv: readonly string[], options?: CommandOptions): Promise<CommandOutput> {
    return tryRun(['ip', 'netns', 'exec', this.name, ...argv], options);
  }

  /**
   * Starts a program inside, in a process group of its own, so that Ctrl-C reaches the lab's owner only. `ip netns exec` becomes
   * the program, so the pid is the program's own.
   */
  spawn(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): LabProcess {
    const child = spawn('ip', ['netns', 'exec', this.name, ...argv], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env,
    });
    return new LabProcess(`${argv.join(' ')} in ${this.label}`, child);
  }

  /** An `ip` command on the devices, addresses and routes inside. */
  ip(...args: readonly string[]): Promise<CommandOutput> {
    return run(['ip', '-n', this.name, ...args]);
  }

  /** An `iptables` command inside (waits for another one's lock). */
  iptables(...args: readonly string[]): Promise<CommandOutput> {
    return this.run(['iptables', '-w', '10', ...args]);
  }

  async setSysctl(path: string, value: string): Promise<void> {
    await this.run(['sh', '-c', `echo ${value} > /proc/sys/net/${path}`]);
  }

  /** A veth pair: `device` inside this namespace, `peerDevice` inside `peer`. Both are up afterwards. */
  async connect(device: string, peer: NetworkNamespace, peerDevice: string): Promise<void> {
    requireDeviceName(device);
    requireDeviceName(peerDevice);
    await this.ip('link', 'add', device, 'type', 'veth', 'peer', 'name', peerDevice, 'netns', peer.name);
    await this.ip('link', 'set', device, 'up');
    await peer.ip('link', 'set', peerDevice, 'up');
  }

  async addBridge(device: string): Promise<void> {
    requireDeviceName(device);
    await this.ip('link', 'add', device, 'type', 'bridge');
    await this.ip('link', 'set', device, 'up');
  }

  async joinBridge(device: string, bridge: string): Promise<void> {
    await this.ip('link', 'set', device, 'master', bridge);
  }

  /** `address` with its prefix length, for example 192.168.1.2/24. */
  async addAddress(device: string, address: string): Promise<void> {
    await this.ip('address', 'add', address, 'dev', device);
  }

  async setDefaultRoute(gateway: string): Promise<void> {
    await this.ip('route', 'replace', 'default', 'via', gateway);
  }
}

/** Adds a namespace with its loopback up. */
export async function addNamespace(name: string): Promise<void> {
  await run(['ip', 'netns', 'add', name]);
  await run(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
}

export async function namespaceNames(): Promise<string[]> {
  return parseNames((await run(['ip', 'netns', 'list'])).stdout);
}

export async function pidsInside(name: string): Promise<number[]> {
  // The namespace may have been removed a moment ago; then nothing runs in it.
  return parsePids((await tryRun(['ip', 'netns', 'pids', name])).stdout);
}

/** Kills what runs in the namespace, and deletes it; for exit handlers. */
export function removeNamespaceSync(name: string): void {
  for (const pid of parsePids(runSync(['ip', 'netns', 'pids', name]).stdout)) signalIfAlive(pid, 'SIGKILL');
  runSync(['ip', 'netns', 'delete', name]);
}

export function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** `ip netns list` writes `name` or `name (id: 3)`. */
function parseNames(stdout: string): string[] {
  return stdout
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name !== '');
}

function parsePids(stdout: string): number[] {
  return stdout.split(/\s+/).filter(Boolean).map(Number);
}

function requireDeviceName(device: string): void {
  if (device.length > MAX_DEVICE_NAME) throw new RangeError(`device name "${device}" is longer than 15 characters`);
}

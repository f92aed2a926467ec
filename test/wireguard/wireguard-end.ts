// One end of a WireGuard tunnel in a lab: an interface of shadownet-wg or of Debian's wireguard-go, driven by `wg` alone, so that
// both are treated alike.
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandOutput, run } from '../lab/command.js';
import { eventually } from '../lab/eventually.js';
import { type LabProcess } from '../lab/lab-process.js';
import { type Lab, type LabHost } from '../lab/lab.js';
import { pidsInside, signalIfAlive } from '../lab/network-namespace.js';
import { inRepository } from '../lab/repository.js';

export type Implementation = 'shadownet-wg' | 'wireguard-go';

/** How shadownet-wg moves packets; the best that the machine has, unless a test wants a certain one. */
export type DataPlane = 'linux' | 'portable';

const PROGRAMS: Record<Implementation, string> = {
  'shadownet-wg': inRepository('node_modules/.bin/shadownet-wg'),
  'wireguard-go': 'wireguard-go',
};

const SOCKET_DIRECTORY = '/var/run/wireguard';

export interface PeerStatus {
  readonly endpoint: string;
  /** Seconds since the Unix epoch; 0 is never. */
  readonly latestHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** The socket folder is shared by all network namespaces, so names differ between all interfaces of all test runs. */
let interfaces = 0;
function newInterfaceName(): string {
  return `w${process.pid.toString(36)}-${String(++interfaces)}`;
}

export class WireGuardEnd {
  readonly interfaceName = newInterfaceName();
  privateKey = '';
  publicKey = '';
  readonly #dir: string;

  private constructor(
    lab: Lab,
    readonly host: LabHost,
    readonly implementation: Implementation,
    /** Inside the tunnel: IPv4 and IPv6, without prefix lengths. */
    readonly addresses: readonly [string, string],
    readonly port: number,
    private readonly dataPlane?: DataPlane,
    private readonly workerPairs?: number,
  ) {
    this.#dir = lab.makeDir(this.interfaceName);
  }

  /** Makes an interface with a fresh key and a port, not yet up. */
  static async create(
    lab: Lab,
    host: LabHost,
    implementation: Implementation,
    addresses: readonly [string, string],
    port: number,
    dataPlane?: DataPlane,
    workerPairs?: number,
  ): Promise<WireGuardEnd> {
    const end = new WireGuardEnd(lab, host, implementation, addresses, port, dataPlane, workerPairs);
    await end.start();
    await end.newPrivateKey();
    await end.set('listen-port', String(port));
    return end;
  }

  get socketPath(): string {
    return `${SOCKET_DIRECTORY}/${this.interfaceName}.sock`;
  }

  get privateKeyFile(): string {
    return join(this.#dir, 'private-key');
  }

  get environment(): NodeJS.ProcessEnv {
    const dataPlane = this.dataPlane === undefined ? {} : { SHADOWNET_DATAPLANE: this.dataPlane };
    const workers = this.workerPairs === undefined ? {} : { SHADOWNET_WORKERS: String(this.workerPairs) };
    return { ...process.env, ...dataPlane, ...workers, STATE_DIRECTORY: this.#dir, LOG_LEVEL: 'silent' };
  }

  /** Starts the program as a daemon; the interface is there when it returns. */
  async start(): Promise<void> {
    await this.host.run([PROGRAMS[this.implementation], this.interfaceName], { env: this.environment });
    await this.untilAnswering();
  }

  /** Starts shadownet-wg in the foreground with flags for Node; the interface is there, and not configured, when it returns. */
  async startInForeground(nodeFlags: readonly string[]): Promise<LabProcess> {
    const argv = [process.execPath, ...nodeFlags, PROGRAMS['shadownet-wg'], '--foreground', this.interfaceName];
    const child = this.host.spawn(argv, this.environment);
    await this.untilAnswering();
    return child;
  }

  async untilAnswering(): Promise<void> {
    await eventually(`${this.implementation} to answer`, 5000, async () =>
      (await this.host.tryRun(['wg', 'show', this.interfaceName])).code === 0 ? true : undefined,
    );
  }

  tryStart(): Promise<CommandOutput> {
    return this.host.tryRun([PROGRAMS[this.implementation], this.interfaceName], { env: this.environment });
  }

  /** Its process, by the interface's name on the command line. */
  async pid(): Promise<number | undefined> {
    const isIt = (pid: number): boolean => {
      try {
        return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
          .split('\0')
          .includes(this.interfaceName);
      } catch {
        return false;
      }
    };
    return (await pidsInside(this.host.name)).find(isIt);
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    const pid = await this.pid();
    if (pid !== undefined) signalIfAlive(pid, name);
  }

  /** Waits for the interface as well: a process that is killed leaves its namespace before it closes its files. */
  async untilEnded(): Promise<void> {
    await eventually(`${this.interfaceName} and its process to end`, 5000, async () => {
      const isGone = (await this.pid()) === undefined && !(await this.hasInterface());
      return isGone ? true : undefined;
    });
  }

  async hasInterface(): Promise<boolean> {
    return (await this.host.tryRun(['ip', 'link', 'show', this.interfaceName])).code === 0;
  }

  get hasSocket(): boolean {
    return statSync(this.socketPath, { throwIfNoEntry: false }) !== undefined;
  }

  /** Sets a new key at run time. */
  async newPrivateKey(): Promise<void> {
    this.privateKey = (await run(['wg', 'genkey'])).stdout.trim();
    writeFileSync(this.privateKeyFile, `${this.privateKey}\n`, { mode: 0o600 });
    this.publicKey = (await run(['sh', '-c', `wg pubkey < ${this.privateKeyFile}`])).stdout.trim();
    await this.set('private-key', this.privateKeyFile);
  }

  /** A file with this content that only its owner can read. */
  file(name: string, content: string): string {
    const path = join(this.#dir, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  async set(...args: readonly string[]): Promise<void> {
    await this.host.run(['wg', 'set', this.interfaceName, ...args]);
  }

  /** Lets the other end in; without `endpoint` it has to speak first. */
  async addPeer(other: WireGuardEnd, options: { endpoint?: string; presharedKey?: string } = {}): Promise<void> {
    const allowedIps = other.addresses.map((address) => `${address}/${address.includes(':') ? '128' : '32'}`).join(',');
    await this.set(
      ...['peer', other.publicKey, 'allowed-ips', allowedIps],
      ...(options.endpoint === undefined ? [] : ['endpoint', options.endpoint]),
      ...(options.presharedKey === undefined ? [] : ['preshared-key', this.file('psk', `${options.presharedKey}\n`)]),
    );
  }

  /** Gives the interface its addresses and brings it up. */
  async up(): Promise<void> {
    const [v4, v6] = this.addresses;
    await this.host.ip('address', 'add', `${v4}/24`, 'dev', this.interfaceName);
    await this.host.ip('address', 'add', `${v6}/64`, 'dev', this.interfaceName, 'nodad');
    await this.host.ip('link', 'set', this.interfaceName, 'up');
  }

  /** True if the other end answers a ping, sent five times a second, by its address of this family before time is up. */
  async canPing(other: WireGuardEnd, family: 4 | 6 = 4, timeoutSeconds = 10): Promise<boolean> {
    const address = other.addresses[family === 4 ? 0 : 1];
    return (
      (await this.host.tryRun(['ping', '-n', '-i', '0.2', '-c', '1', '-w', String(timeoutSeconds), address])).code === 0
    );
  }

  async peer(other: WireGuardEnd): Promise<PeerStatus> {
    const { stdout } = await this.host.run(['wg', 'show', this.interfaceName, 'dump']);
    const row = stdout
      .split('\n')
      .map((line) => line.split('\t'))
      .find((fields) => fields.length === 8 && fields[0] === other.publicKey);
    if (row === undefined) throw new Error(`${this.interfaceName} has no peer ${other.publicKey}`);
    const [, , endpoint = '', , latestHandshake, rxBytes, txBytes] = row;
    return {
      endpoint,
      latestHandshake: Number(latestHandshake),
      rxBytes: Number(rxBytes),
      txBytes: Number(txBytes),
    };
  }
}

/** 32 random bytes as `wg genpsk` prints them. */
export function newPresharedKey(): string {
  return randomBytes(32).toString('base64');
}

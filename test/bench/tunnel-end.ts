// One end of a contender's tunnel: its process in the foreground, configured by `wg` and `ip` alone.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { encodeBase64 } from '@shadownet/primitives';
import { randomBytes } from 'node:crypto';
import { type Lab, type LabHost } from '../lab/lab.js';
import { type LabProcess } from '../lab/lab-process.js';
import { type TunnelContender } from './contender.js';

/** Of every contender, whatever its own default is. */
const TUNNEL_MTU = '1420';
const START_TIMEOUT_MS = 15_000;

export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface WgPeer {
  readonly publicKey: Uint8Array;
  readonly allowedIps: readonly string[];
  readonly endpoint?: string;
}

export function newKeyPair(): KeyPair {
  const privateKey = generatePrivateKey((length) => randomBytes(length));
  return { privateKey, publicKey: nodeCrypto.privateKey(privateKey).publicKey };
}

/** Sockets of live ends; a program that had to be killed leaves its own behind. */
const sockets = new Set<string>();
process.on('exit', () => {
  for (const path of sockets) rmSync(path, { force: true });
});

/** The socket folder is shared by all network namespaces, so names differ between all interfaces of all runs. */
let interfaces = 0;
function newInterfaceName(): string {
  return `b${process.pid.toString(36)}-${String(++interfaces)}`;
}

export interface TunnelEndOptions {
  readonly keys: KeyPair;
  readonly listenPort: number;
  /** Inside the tunnel, with its prefix length. */
  readonly address: string;
  readonly peers: readonly WgPeer[];
}

export class TunnelEnd {
  readonly interfaceName = newInterfaceName();
  readonly #dir: string;
  #process: LabProcess | undefined;

  constructor(
    lab: Lab,
    private readonly host: LabHost,
    private readonly contender: TunnelContender,
    private readonly options: TunnelEndOptions,
  ) {
    this.#dir = lab.makeDir(this.interfaceName);
  }

  get pid(): number {
    if (this.#process?.running !== true) {
      throw new Error(`${this.contender.title} is not running: ${this.#process?.stderrTail.trim() ?? 'not started'}`);
    }
    return this.#process.pid;
  }

  /** Starts the program; its interface has its configuration and is up when this returns. */
  async start(): Promise<void> {
    await this.startAndRun([]);
  }

  /** Starts the program, configures its interface, and runs one more command in its namespace, all without a pause in between. */
  async startAndRun(argv: readonly string[]): Promise<void> {
    this.#spawn();
    const script = [...this.#configureScript(), argv.join(' ')].join('\n');
    const { code, stderr } = await this.host.tryRun(['sh', '-c', script], { timeoutMs: START_TIMEOUT_MS });
    if (code === 0) return;
    const said = [stderr, this.#process?.stderrTail ?? ''].map((text) => text.trim()).filter((text) => text !== '');
    throw new Error(`${this.contender.title} did not come up: ${said.join('; ')}`);
  }

  async addPeers(peers: readonly WgPeer[]): Promise<void> {
    const file = this.#file('more-peers.conf', peers.map(peerSection).join('\n'));
    await this.host.run(['wg', 'addconf', this.interfaceName, file], { timeoutMs: START_TIMEOUT_MS });
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    rmSync(this.#socketPath, { force: true });
    sockets.delete(this.#socketPath);
  }

  #spawn(): void {
    sockets.add(this.#socketPath);
    this.#process = this.host.spawn(this.contender.command(this.interfaceName), {
      ...process.env,
      WG_PROCESS_FOREGROUND: '1',
      LOG_LEVEL: 'error',
      STATE_DIRECTORY: this.#dir,
    });
    this.#process.onLine(() => undefined);
  }

  /**
   * Shell commands that wait for the program's socket, configure the interface and bring it up. The socket must not be one that is
   * bound and does not listen yet (no SO_ACCEPTCON in the kernel's list): wg deletes a socket that refuses to be connected.
   */
  #configureScript(): string[] {
    const file = this.#file('wg.conf', this.#configuration());
    const name = this.interfaceName;
    return [
      'set -e',
      `until test -S ${this.#socketPath} && ! grep -q ' 00000000 0001 01 .*/${name}.sock$' /proc/net/unix; do sleep 0.002; done`,
      `wg setconf ${name} ${file}`,
      `ip address add ${this.options.address} dev ${name}`,
      `ip link set ${name} mtu ${TUNNEL_MTU} up`,
    ];
  }

  get #socketPath(): string {
    return `/var/run/wireguard/${this.interfaceName}.sock`;
  }

  #configuration(): string {
    const { keys, listenPort, peers } = this.options;
    const device = `[Interface]\nPrivateKey = ${encodeBase64(keys.privateKey)}\nListenPort = ${String(listenPort)}\n`;
    return [device, ...peers.map(peerSection)].join('\n');
  }

  /** In a folder that only its owner can read. */
  #file(name: string, content: string): string {
    const path = join(this.#dir, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }
}

function peerSection({ publicKey, allowedIps, endpoint }: WgPeer): string {
  return [
    '[Peer]',
    `PublicKey = ${encodeBase64(publicKey)}`,
    `AllowedIPs = ${allowedIps.join(', ')}`,
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
    '',
  ].join('\n');
}

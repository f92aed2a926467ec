// The real shadownet-node on a host of a lab, driven by its command line as a user does.
import { type CommandOutput } from '../lab/command.js';
import { type LabHost } from '../lab/lab.js';
import { type LabProcess } from '../lab/lab-process.js';
import { inRepository } from '../lab/repository.js';
import { followFile, JsonLog } from './json-log.js';
import { type NodeStatus } from './node-status.js';

const BINARY = inRepository('node_modules/.bin/shadownet-node');
const UP_TIMEOUT_MS = 45_000;

export interface NodeOptions {
  readonly controlUrl: string;
  /** Holds its state and its sockets; outlives restarts. */
  readonly dir: string;
  /** More flags of `up`. */
  readonly flags?: readonly string[];
}

export class NodeDaemon {
  readonly log = new JsonLog();
  readonly #dir: string;
  readonly #upFlags: readonly string[];
  #unfollow: (() => void) | undefined;

  constructor(
    readonly host: LabHost,
    options: NodeOptions,
  ) {
    this.#dir = options.dir;
    this.#upFlags = ['--control', options.controlUrl, '--hostname', host.label, ...(options.flags ?? [])];
  }

  /** `shadownet-node up`: returns when it is usable. The log is followed from here on. */
  async up(): Promise<void> {
    this.#unfollow ??= followFile(`${this.#dir}/state/node.log`, this.log);
    const argv = [BINARY, 'up', ...this.#upFlags, ...this.#folderFlags, ...this.#runFlag];
    await this.host.run(argv, { timeoutMs: UP_TIMEOUT_MS });
  }

  /** `shadownet-node up --foreground`, as service managers run it; returns at once. */
  runInForeground(): LabProcess {
    const argv = [BINARY, 'up', '--foreground', ...this.#upFlags, ...this.#folderFlags, ...this.#runFlag];
    const child = this.host.spawn(argv);
    child.onStderrLine((line) => this.log.append(line));
    return child;
  }

  async down(): Promise<void> {
    await this.host.run([BINARY, 'down', ...this.#runFlag]);
  }

  async status(): Promise<NodeStatus> {
    const { stdout } = await this.host.run([BINARY, 'status', '--json', ...this.#runFlag]);
    return JSON.parse(stdout) as NodeStatus;
  }

  /** Any command of the CLI that takes --run-dir; the caller looks at the exit code. */
  command(...args: readonly string[]): Promise<CommandOutput> {
    return this.host.tryRun([BINARY, ...args, ...this.#runFlag]);
  }

  /** Its virtual address, as soon as control has given it one after `since` (epoch milliseconds). */
  async virtualIp(timeoutMs = 30_000, since = 0): Promise<string> {
    return String((await this.log.waitFor('registered', timeoutMs, since))['assigned_ip']);
  }

  /** Ends the following of the log file; nothing of the daemon. */
  stopFollowing(): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
  }

  /** Where its socket for `wg` is: a folder of its own, since all hosts of a lab share the file system and the interface's name. */
  get uapiDirectory(): string {
    return `${this.#dir}/uapi`;
  }

  get #folderFlags(): readonly string[] {
    return ['--state-dir', `${this.#dir}/state`, '--uapi-dir', this.uapiDirectory];
  }

  get #runFlag(): readonly string[] {
    return ['--run-dir', `${this.#dir}/run`];
  }
}

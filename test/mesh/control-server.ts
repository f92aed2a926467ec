// The real shadownet-control on a host of a lab.
import { type LabHost } from '../lab/lab.js';
import { type LabProcess, type ProcessEnd } from '../lab/lab-process.js';
import { inRepository } from '../lab/repository.js';
import { JsonLog } from './json-log.js';

const BINARY = inRepository('node_modules/.bin/shadownet-control');
const API_PORT = 8080;
const START_TIMEOUT_MS = 30_000;

export class ControlServer {
  readonly log = new JsonLog();
  #process: LabProcess | undefined;

  /** `dataDir` outlives restarts. */
  constructor(
    readonly host: LabHost,
    private readonly dataDir: string,
    readonly port = API_PORT,
    /** More flags of `serve`. */
    private readonly flags: readonly string[] = [],
    /** As `--listen` wants it: `[::]` for every address of the host, of both families. */
    private readonly listenAddress = host.address,
  ) {}

  get url(): string {
    return `http://${this.host.address}:${String(this.port)}`;
  }

  get running(): boolean {
    return this.#process?.running ?? false;
  }

  /** Returns when it listens. */
  async start(): Promise<void> {
    const listen = `${this.listenAddress}:${String(this.port)}`;
    const started = Date.now();
    const argv = [BINARY, 'serve', '--listen', listen, '--open', '--data-dir', this.dataDir, ...this.flags];
    const server = this.host.spawn(argv);
    server.onStderrLine((line) => this.log.append(line));
    this.#process = server;
    const listening = this.log.waitFor('listening', START_TIMEOUT_MS, started);
    // Whichever comes first: waiting for a server that has ended would only hide why it did.
    await Promise.race([listening, server.ended]);
    if (!server.running) {
      listening.catch(() => undefined);
      throw new Error(`shadownet-control did not start:\n${server.stderrTail}`);
    }
  }

  /** A command of `shadownet-control` that asks the running server, such as `policy show`; throws unless it ends with 0. */
  async command(...argv: readonly string[]): Promise<string> {
    return (await this.host.run([BINARY, ...argv, '--data-dir', this.dataDir])).stdout;
  }

  /** Ends it with `signal`, SIGKILL for an outage. */
  async stop(signal: NodeJS.Signals): Promise<ProcessEnd> {
    if (this.#process === undefined) throw new Error('the control server was not started');
    return this.#process.stop(signal, 10_000);
  }

  /** The body of an API answer; throws on an error status. */
  async get(path: string): Promise<string> {
    const { stdout } = await this.host.run([
      'curl',
      '-sS',
      '--fail-with-body',
      '--max-time',
      '5',
      `${this.url}${path}`,
    ]);
    return stdout;
  }
}

// A real server on free ports, with its files in a directory of its own. For specs.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createdApiTokenSchema } from '@shadownet/contracts';
import { type Instant, instant } from '@shadownet/primitives';
import { AdminClient } from '../admin-client/admin-client.js';
import type { Clock } from '../clock.js';
import { type ControlOptions, loadConfig } from '../config.js';
import { type ControlServer, type ControlServerOptions, startControlServer } from '../control-server.js';
import { TestBrowser } from './test-browser.js';
import { TestNode } from './test-node.js';

/** Real time, moved forward by hand. */
export class TestClock implements Clock {
  #offset = 0;
  #wallOffset = 0;

  wall(): number {
    return Date.now() + this.#offset + this.#wallOffset;
  }

  monotonic(): Instant {
    return instant(performance.now() + this.#offset);
  }

  advance(milliseconds: number): void {
    this.#offset += milliseconds;
  }

  /** The wall clock alone is set, forward or back. */
  jump(milliseconds: number): void {
    this.#wallOffset += milliseconds;
  }
}

/** No limit that a test could run into. */
const AMPLE = { perSecond: 100_000, burst: 100_000, maxSources: 100 };

/** What guessing costs is no test's matter, but that of the server's own default. */
const CHEAP = { N: 2 ** 10, r: 8, p: 1 };

export class TestServer {
  private constructor(
    readonly directory: string,
    private readonly options: ControlOptions,
    private readonly serverOptions: ControlServerOptions,
    private server: ControlServer,
  ) {}

  static async start(options: ControlOptions = {}, serverOptions: ControlServerOptions = {}): Promise<TestServer> {
    const directory = options.dataDir ?? mkdtempSync(join(tmpdir(), 'shadownet-control-'));
    const all = {
      listen: '127.0.0.1:0',
      stunPorts: 'off',
      relay: false,
      logLevel: 'silent',
      // Most specs are about what comes after joining.
      open: true,
      ...options,
      dataDir: directory,
    };
    const allServer = { sourceLimits: AMPLE, passwordCost: CHEAP, ...serverOptions };
    try {
      return new TestServer(directory, all, allServer, await startControlServer(loadConfig(all), allServer));
    } catch (error) {
      if (options.dataDir === undefined) rmSync(directory, { recursive: true });
      throw error;
    }
  }

  get url(): string {
    return this.server.url;
  }

  get running(): ControlServer {
    return this.server;
  }

  /** At the local admin socket: may do everything. */
  get admin(): AdminClient {
    return new AdminClient(this.directory);
  }

  /** With an API token of that role. */
  async token(role: 'viewer' | 'admin'): Promise<{ authorization: string }> {
    const created = await this.admin.call(createdApiTokenSchema, 'POST', '/tokens', { name: `test-${role}`, role });
    return { authorization: `Bearer ${created.token}` };
  }

  browser(headers?: Record<string, string>): TestBrowser {
    return new TestBrowser(this.url, headers);
  }

  node(privateKey?: Uint8Array): TestNode {
    return new TestNode(this.url, this.server.publicKey, privateKey);
  }

  /** Stops it and starts it again on the same files, on another port. `meanwhile` is when nobody has them open. */
  async restart(options: ControlOptions = {}, meanwhile: () => void = () => undefined): Promise<void> {
    await this.server.close();
    meanwhile();
    this.server = await startControlServer(loadConfig({ ...this.options, ...options }), this.serverOptions);
  }

  async stop(): Promise<void> {
    await this.server.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

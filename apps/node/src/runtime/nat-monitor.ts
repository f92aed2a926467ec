// Measures the NAT in front of the node, when it starts and when its network has changed, for the path agents and for `status`.
// It asks from sockets of its own (NatBehaviourDiscovery): the node's one has sent to too many already.

import { networkInterfaces } from 'node:os';
import { classifyNat, type NatReport } from '@shadownet/paths';
import type { Endpoint, Instant } from '@shadownet/primitives';
import type { NatSample } from '@shadownet/stun';
import { UdpError } from '@shadownet/udp';
import { runNatTests } from '../netcheck/nat-test-run.js';
import { localAddresses } from './local-addresses.js';

export interface NatMonitorOptions {
  readonly now: () => Instant;
  readonly onReport: (report: NatReport) => void;
}

/** What STUN servers are asked. */
export interface NatTestServers {
  readonly endpoints: readonly Endpoint[];
  /** They are a control server's (NatTestServer). */
  readonly changesPort: boolean;
}

/** A network that changes all the time is not measured all the time. */
const MIN_INTERVAL_MS = 60_000;

export class NatMonitor {
  readonly #options: NatMonitorOptions;
  readonly #stopped = new AbortController();
  #servers: NatTestServers = { endpoints: [], changesPort: false };
  #state: 'idle' | 'measuring' | 'measuring-and-again' = 'idle';
  #lastStart: Instant | undefined;
  #timer: NodeJS.Timeout | undefined;
  #run: Promise<void> = Promise.resolve();
  #report: NatReport | undefined;

  constructor(options: NatMonitorOptions) {
    this.#options = options;
  }

  /** The latest one, of IPv4. */
  get report(): NatReport | undefined {
    return this.#report;
  }

  setServers(servers: NatTestServers): void {
    this.#servers = servers;
  }

  /** Measures now, or as soon as the last time is a minute ago. */
  measure(): void {
    if (this.#stopped.signal.aborted) return;
    if (this.#state !== 'idle') {
      this.#state = 'measuring-and-again';
      return;
    }
    const since = this.#lastStart === undefined ? Infinity : this.#options.now() - this.#lastStart;
    if (since >= MIN_INTERVAL_MS) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), MIN_INTERVAL_MS - since);
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#run;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastStart = this.#options.now();
    this.#state = 'measuring';
    this.#run = this.#measureOnce().finally(() => {
      const again = this.#state === 'measuring-and-again';
      this.#state = 'idle';
      if (again) this.measure();
    });
  }

  async #measureOnce(): Promise<void> {
    const { endpoints, changesPort } = this.#servers;
    const servers = endpoints
      .filter(({ address }) => address.family === 4)
      .map((endpoint) => ({ endpoint, changesPort }));
    if (servers.length === 0) return;
    const { signal } = this.#stopped;
    let samples: readonly NatSample[];
    try {
      samples = await runNatTests({ family: 4, servers, lifetime: undefined, signal });
    } catch (error) {
      // No sockets to be had: what STUN servers see of the node's own one has to do.
      if (error instanceof UdpError) return;
      throw error;
    }
    if (signal.aborted) return;
    this.#report = classifyNat(samples, localAddresses(networkInterfaces()));
    this.#options.onReport(this.#report);
  }
}

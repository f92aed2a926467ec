// A laboratory of network namespaces: the public segment 203.0.113.0/24, hosts on it, NAT routers, LANs behind them.
//
//     host ── 192.168.1.0/24 ── NAT ── 203.0.113.21 ┐
//                                                   ├─ bridge "internet" ── 203.0.113.10 host
//     host ── 192.168.1.0/24 ── NAT ── 203.0.113.22 ┘
//
// Several labs may exist at once, with the same addresses: they share nothing. Used by the demo and by test/e2e.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './command.js';
import { eventually, pause } from './eventually.js';
import { newLabId } from './lab-id.js';
import { type NatBehaviour } from './nat-behaviour.js';
import { NatRouter } from './nat-router.js';
import {
  addNamespace,
  namespaceNames,
  NetworkNamespace,
  pidsInside,
  removeNamespaceSync,
  signalIfAlive,
} from './network-namespace.js';
import { removeStaleLabs } from './stale-labs.js';

export class LabHost extends NetworkNamespace {
  private constructor(
    label: string,
    name: string,
    /** Of its one device `eth0`, without the prefix length. */
    readonly address: string,
  ) {
    super(label, name);
  }

  static async start(label: string, name: string, address: string): Promise<LabHost> {
    await addNamespace(name);
    return new LabHost(label, name, address);
  }
}

export interface NatOptions {
  readonly behaviour: NatBehaviour;
  /** Of the outer device: on the public segment, or in the LAN of the router that this one stands behind. */
  readonly address: string;
  /** The inner address with its prefix length, for example 192.168.1.1/24. */
  readonly lan: string;
  /** Another router (carrier-grade NAT). Without it the router is on the public segment. */
  readonly behind?: NatRouter;
}

export interface LabOptions {
  /**
   * By default a lab removes itself when its process gets SIGINT, SIGTERM or SIGHUP, and the process then ends by that signal.
   * An owner that handles signals in its own way says false, and disposes.
   */
  readonly disposeOnSignals?: boolean;
}

/** How long processes get between SIGTERM and SIGKILL when a lab ends. */
const GRACE_MS = 3000;

export class Lab {
  /** For the state of what runs in the lab; removed with it. */
  readonly tempDir: string;
  readonly #namespaces: string[] = [];
  #plugs = 0;
  readonly #stopWatching: () => void;
  #underWay: Promise<unknown> = Promise.resolve();
  #disposal: Promise<void> | undefined;

  private constructor(
    readonly id: string,
    /** The public segment: the bridge `br0`. */
    readonly internet: NetworkNamespace,
    options: LabOptions,
  ) {
    this.#namespaces.push(internet.name);
    this.tempDir = join(tmpdir(), id);
    mkdirSync(this.tempDir, { mode: 0o700 });
    this.#stopWatching = this.#watchOwner(options.disposeOnSignals ?? true);
  }

  static async create(options: LabOptions = {}): Promise<Lab> {
    await removeStaleLabs();
    const id = newLabId();
    const internet = await NetworkNamespace.create('internet', `${id}-internet`);
    const lab = new Lab(id, internet, options);
    await lab.#orDispose(() => internet.addBridge('br0'));
    return lab;
  }

  /** A host on the public segment. */
  addPublicHost(label: string, address: string): Promise<LabHost> {
    return this.#orDispose(async () => {
      const host = await LabHost.start(label, this.#claimName(label), address);
      await this.#plugIn(host, 'eth0', this.internet, 'br0');
      await host.addAddress('eth0', `${address}/24`);
      return host;
    });
  }

  addNat(label: string, options: NatOptions): Promise<NatRouter> {
    return this.#orDispose(async () => {
      const { address, lan, behaviour, behind } = options;
      const router = await NatRouter.start(label, this.#claimName(label), address, lan, behaviour);
      await this.#plugIn(router, 'ext', behind ?? this.internet, behind === undefined ? 'br0' : 'int');
      await router.addAddress('ext', `${address}/24`);
      if (behind !== undefined) await router.setDefaultRoute(behind.gateway);
      return router;
    });
  }

  /** A host in the LAN of `router`; a LAN may have many. */
  addHost(label: string, router: NatRouter, address: string): Promise<LabHost> {
    return this.#orDispose(async () => {
      const host = await LabHost.start(label, this.#claimName(label), address);
      await this.#plugIn(host, 'eth0', router, 'int');
      await host.addAddress('eth0', `${address}/${router.lan.split('/')[1] ?? '24'}`);
      await host.setDefaultRoute(router.gateway);
      return host;
    });
  }

  /** A new directory inside `tempDir`, readable by the owner only. */
  makeDir(label: string): string {
    return mkdtempSync(join(this.tempDir, `${label}-`));
  }

  /** Ends what runs in these namespaces and removes them, while the rest of the lab goes on. */
  remove(parts: readonly NetworkNamespace[]): Promise<void> {
    return this.#orDispose(async () => {
      const names = parts.map(({ name }) => name);
      await endProcesses(names);
      for (const name of names) {
        await run(['ip', 'netns', 'delete', name]);
        this.#namespaces.splice(this.#namespaces.indexOf(name), 1);
      }
    });
  }

  /** Ends every process of the lab and removes every namespace, and with them every device; then the directory. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#disposeOnce();
    return this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #disposeOnce(): Promise<void> {
    try {
      await this.#underWay;
      await endProcesses(this.#namespaces);
      const existing = new Set(await namespaceNames());
      for (const name of this.#namespaces.filter((name) => existing.has(name))) {
        await run(['ip', 'netns', 'delete', name]);
      }
      rmSync(this.tempDir, { recursive: true, force: true });
    } finally {
      this.#stopWatching();
    }
  }

  /** When the owner ends without disposing there is no time for anything asynchronous, nor for grace. */
  #disposeNow(): void {
    for (const name of this.#namespaces) removeNamespaceSync(name);
    rmSync(this.tempDir, { recursive: true, force: true });
  }

  #watchOwner(alsoSignals: boolean): () => void {
    const onExit = (): void => this.#disposeNow();
    const onSignal = (signal: NodeJS.Signals): void => {
      this.#disposeNow();
      stopWatching();
      process.kill(process.pid, signal);
    };
    const signals: NodeJS.Signals[] = alsoSignals ? ['SIGINT', 'SIGTERM', 'SIGHUP'] : [];
    const stopWatching = (): void => {
      process.off('exit', onExit);
      for (const signal of signals) process.off(signal, onSignal);
    };
    process.on('exit', onExit);
    for (const signal of signals) process.on(signal, onSignal);
    return stopWatching;
  }

  /** A lab that could not be laid out completely is of no use; nothing of it stays. Nothing is added to one that is over. */
  async #orDispose<T>(build: () => Promise<T>): Promise<T> {
    if (this.#disposal !== undefined) throw new Error('the lab has been disposed of');
    const building = build();
    this.#underWay = Promise.allSettled([this.#underWay, building]);
    try {
      return await building;
    } catch (error) {
      await this.dispose();
      throw error;
    }
  }

  #claimName(label: string): string {
    const name = `${this.id}-${label}`;
    if (this.#namespaces.includes(name)) throw new Error(`the lab already has a "${label}"`);
    this.#namespaces.push(name);
    return name;
  }

  async #plugIn(host: NetworkNamespace, device: string, segment: NetworkNamespace, bridge: string): Promise<void> {
    this.#plugs += 1;
    const port = `port${String(this.#plugs)}`;
    await host.connect(device, segment, port);
    await segment.joinBridge(port, bridge);
  }
}

async function endProcesses(namespaces: readonly string[]): Promise<void> {
  const pids = async (): Promise<number[]> => (await Promise.all(namespaces.map(pidsInside))).flat();
  for (const pid of await pids()) signalIfAlive(pid, 'SIGTERM');
  const deadline = performance.now() + GRACE_MS;
  while ((await pids()).length > 0 && performance.now() < deadline) await pause(20);
  await eventually('the last processes to end', GRACE_MS, async () => {
    const left = await pids();
    for (const pid of left) signalIfAlive(pid, 'SIGKILL');
    return left.length === 0 ? true : undefined;
  });
}

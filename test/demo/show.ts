// What the demo shows, in order: control, the lifecycle of both nodes, pings and a web page over the mesh, the peers, the dashboard.
import { overviewSchema } from '@shadownet/contracts';
import { eventually } from '../lab/eventually.js';
import { type Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { secondUpToFirstPing } from '../mesh/first-ping.js';
import { type NodeDaemon } from '../mesh/node-daemon.js';
import { TwoNatMesh } from '../mesh/two-nat-mesh.js';
import { fetchWebPage, serveWebPage } from '../mesh/web-page.js';
import { DashboardForwarder } from './dashboard-forwarder.js';
import { describeEvent, formatMilliseconds } from './lifecycle-report.js';
import { peerTable } from './peer-table.js';
import { type Screen } from './screen.js';

const FIRST_PING_TIMEOUT_MS = 30_000;

export class Show {
  #mesh: TwoNatMesh | undefined;
  #forwarder: DashboardForwarder | undefined;
  #over = false;

  constructor(
    private readonly lab: Lab,
    private readonly screen: Screen,
    /** Of localhost, for the dashboard. */
    private readonly port: number,
  ) {}

  /** Throws at the first thing that does not work. */
  async run(): Promise<void> {
    const mesh = await TwoNatMesh.layOut(this.lab);
    this.#mesh = mesh;
    this.#reportLifecycle(mesh);
    const { ipA, ipB } = await this.#start(mesh);
    await this.#reachEachOther(mesh, ipA, ipB);
    await this.#listPeers(mesh);
    await this.#checkDashboard();
  }

  /** The last lines of every log. */
  explainFailure(): void {
    if (this.#mesh === undefined) return;
    const { control, nodeA, nodeB } = this.#mesh;
    for (const { host, log } of [control, nodeA, nodeB]) {
      this.screen.text(`\nThe end of the log of ${host.label}:\n${log.tail() || '(nothing)'}`);
    }
  }

  /** Shows nothing more, and closes what the demo's own process holds open; the lab is its owner's. */
  end(): void {
    this.#over = true;
    this.#forwarder?.close();
    this.#mesh?.stopFollowing();
  }

  #reportLifecycle({ nodeA, nodeB }: TwoNatMesh): void {
    for (const { host, log } of [nodeA, nodeB]) {
      log.onEntry((entry) => {
        const line = this.#over ? undefined : describeEvent(entry);
        if (line !== undefined) this.screen.line(host.label, line, entry.time);
      });
    }
  }

  /** Returns the virtual addresses, once a ping got through. */
  async #start(mesh: TwoNatMesh): Promise<{ ipA: string; ipB: string }> {
    const { control, nodeA, nodeB } = mesh;
    this.screen.heading('The control server and both nodes start');
    await control.start();
    this.screen.line('control', `listens on ${control.url}`);
    this.#forwarder = await DashboardForwarder.start(control, this.port, this.lab.tempDir);
    this.screen.line('host-a', 'shadownet-node up');
    await nodeA.up();
    this.screen.line('host-b', 'shadownet-node up');
    const took = await secondUpToFirstPing(mesh, FIRST_PING_TIMEOUT_MS);
    this.screen.heading('They reach each other');
    this.screen.good('host-a', `first ping answered ${took.toFixed(0)} ms after the second \`up\` was executed`);
    return { ipA: await nodeA.virtualIp(), ipB: await nodeB.virtualIp() };
  }

  async #reachEachOther({ nodeA, nodeB, hostA, hostB }: TwoNatMesh, ipA: string, ipB: string): Promise<void> {
    await this.#ping(nodeA, ipB);
    await this.#ping(nodeB, ipA);
    await serveWebPage(hostB, ipB);
    const page = await fetchWebPage(hostA, ipB);
    if (!page.includes(`Hello ${ipA}, this is host-b`)) throw new Error(`host-b served something else: ${page}`);
    this.screen.good('host-a', `curl http://${ipB}/ → ${page.trim()}`);
  }

  async #ping({ host }: NodeDaemon, target: string): Promise<void> {
    const ping = Ping.start(host, target, 100);
    await ping.moreReplies(5, 10_000);
    await ping.stop();
    const lost = ping.lost().length;
    if (lost > 0) throw new Error(`${String(lost)} pings from ${host.label} to ${target} were lost`);
    const mean = ping.replies.reduce((sum, { rttMs }) => sum + rttMs, 0) / ping.replies.length;
    const answers = `${String(ping.replies.length)} answers`;
    this.screen.good(host.label, `ping ${target}: ${answers}, ${formatMilliseconds(mean)} on average`);
  }

  async #listPeers({ nodeA, nodeB }: TwoNatMesh): Promise<void> {
    const statuses = [
      ['host-a', await nodeA.status()],
      ['host-b', await nodeB.status()],
    ] as const;
    this.screen.heading('Peers');
    this.screen.text(peerTable(statuses));
    for (const [hostname, { peers }] of statuses) {
      const [peer] = peers;
      if (peers.length !== 1 || peer?.endpoint === null || peer?.path !== 'direct') {
        throw new Error(`${hostname} has no direct path to its one peer`);
      }
    }
  }

  async #checkDashboard(): Promise<void> {
    const page = await this.#get('/');
    if (!page.includes('ShadowNet')) throw new Error('the page at / is not the dashboard');
    await eventually('both nodes to be online in the overview', 10_000, async () => {
      const { nodes } = overviewSchema.parse(JSON.parse(await this.#get('/api/v1/overview')));
      return nodes.filter(({ online }) => online).length === 2 ? true : undefined;
    });
    this.screen.good('control', `the dashboard and its API answer at http://localhost:${String(this.port)}`);
  }

  async #get(path: string): Promise<string> {
    const response = await fetch(`http://localhost:${String(this.port)}${path}`);
    if (!response.ok) throw new Error(`GET ${path} was answered with ${String(response.status)}`);
    return response.text();
  }
}

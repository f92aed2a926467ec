// The internet of the grid, with a control server and its relay that both families reach. Each cell is measured in it with two
// fresh nodes, of which nothing stays. Cells that share one must take turns: nodes look for everybody who is online.
import { eventually } from '../lab/eventually.js';
import { Lab } from '../lab/lab.js';
import { Ping } from '../lab/ping.js';
import { whyNoIpv6 } from '../lab/requirements.mjs';
import { ControlServer } from '../mesh/control-server.js';
import { NodeDaemon } from '../mesh/node-daemon.js';
import { type PeerStatus } from '../mesh/node-status.js';
import { expectedPath, type GridCell } from './grid-cell.js';
import {
  addIpv6Address,
  buildNatSite,
  buildSharedLan,
  IPV6_SEGMENT_LENGTH,
  type NatSite,
  reachForwardingSegment,
} from './nat-site.js';

export interface CellMeasurement {
  /** From when both nodes were ready to the first answer to a ping from A to B. */
  readonly firstAnswerMs: number;
  /** From the same moment to a direct path on both sides; undefined if they came to none. */
  readonly directMs: number | undefined;
  /** What each side's status says at the end. */
  readonly paths: readonly [PeerStatus['path'], PeerStatus['path']];
  /** Of the pings after the first one that was answered. */
  readonly lostPings: number;
}

const CONTROL_ADDRESS = '203.0.113.10';
const CONTROL_ADDRESS_6 = '2001:db8::10';
const PING_INTERVAL_MS = 50;
const READY_TIMEOUT_MS = 45_000;
/** A search lasts 10 s, and guessing begins in it. */
const DIRECT_TIMEOUT_MS = 15_000;
const FIRST_ANSWER_TIMEOUT_MS = 15_000;
/** How many pings must be answered on the path at the end: 1 s, and 4 s where no direct path may come up. */
const PINGS_IF_DIRECT = 20;
const PINGS_IF_RELAYED = 80;

const FIRST_SITE = 20;
const LAST_SITE = 250;

export class GridLab {
  #nextSite = FIRST_SITE;
  #cells = 0;

  private constructor(
    private readonly lab: Lab,
    private readonly control: ControlServer,
  ) {}

  static async create(): Promise<GridLab> {
    const lab = await Lab.create();
    try {
      const host = await lab.addPublicHost('control', CONTROL_ADDRESS);
      await reachForwardingSegment(host, 'eth0');
      const hasIpv6 = whyNoIpv6() === undefined;
      if (hasIpv6) await addIpv6Address(host, 'eth0', `${CONTROL_ADDRESS_6}/${String(IPV6_SEGMENT_LENGTH)}`);
      const control = new ControlServer(host, lab.makeDir('control'), undefined, [], hasIpv6 ? '[::]' : undefined);
      await control.start();
      return new GridLab(lab, control);
    } catch (error) {
      await lab.dispose();
      throw error;
    }
  }

  dispose(): Promise<void> {
    return this.lab.dispose();
  }

  /** Throws if the two exchange no data. */
  async measure(cell: GridCell): Promise<CellMeasurement> {
    this.#cells += 1;
    const sites = await this.#buildSites(cell, `cell${String(this.#cells)}`);
    const [a, b] = [this.#nodeAt(sites[0]), this.#nodeAt(sites[1])];
    try {
      return await measurePair(a, b, expectedPath(cell) !== 'relay');
    } finally {
      // A node that has not come up, or has ended, has nothing to be asked for.
      await Promise.all([a, b].map((node) => node.command('down')));
      for (const node of [a, b]) node.stopFollowing();
      await this.lab.remove(sites.flatMap(({ parts }) => parts));
    }
  }

  async #buildSites(cell: GridCell, label: string): Promise<readonly [NatSite, NatSite]> {
    if (cell.kind === 'same-lan') return buildSharedLan(this.lab, { label, number: this.#takeNumber() });
    const build = (kind: typeof cell.a, side: string): Promise<NatSite> =>
      buildNatSite(this.lab, kind, { label: `${label}-${side}`, number: this.#takeNumber() });
    return [await build(cell.a, 'a'), await build(cell.b, 'b')];
  }

  /** Not one that was used a moment ago: the neighbours may still remember who had it. */
  #takeNumber(): number {
    const number = this.#nextSite;
    this.#nextSite = number === LAST_SITE ? FIRST_SITE : number + 1;
    return number;
  }

  #nodeAt({ host, family }: NatSite): NodeDaemon {
    const port = String(this.control.port);
    const controlUrl = family === 4 ? this.control.url : `http://[${CONTROL_ADDRESS_6}]:${port}`;
    return new NodeDaemon(host, { controlUrl, dir: this.lab.makeDir(host.label) });
  }
}

async function measurePair(a: NodeDaemon, b: NodeDaemon, mayBeDirect: boolean): Promise<CellMeasurement> {
  const startPing = async (): Promise<{ readyAt: number; ping: Ping }> => {
    const entries = await Promise.all([a, b].map((node) => node.log.waitFor('ready', READY_TIMEOUT_MS)));
    const readyAt = Math.max(...entries.map(({ time }) => time));
    return { readyAt, ping: Ping.start(a.host, await b.virtualIp(), PING_INTERVAL_MS) };
  };
  const [{ readyAt, ping }] = await Promise.all([startPing(), a.up(), b.up()]);
  try {
    const first = await ping.firstReply(FIRST_ANSWER_TIMEOUT_MS);
    if (mayBeDirect) await bothDirectOrTimeIsUp(a, b);
    await ping.moreReplies(mayBeDirect ? PINGS_IF_DIRECT : PINGS_IF_RELAYED, FIRST_ANSWER_TIMEOUT_MS);
    const directAt = directSince(a, b);
    return {
      firstAnswerMs: Math.max(0, first.at - readyAt),
      directMs: directAt === undefined ? undefined : Math.max(0, directAt - readyAt),
      paths: [await pathFrom(a, b), await pathFrom(b, a)],
      lostPings: ping.lost().filter((sequence) => sequence > first.sequence).length,
    };
  } finally {
    await ping.stop();
  }
}

async function bothDirectOrTimeIsUp(a: NodeDaemon, b: NodeDaemon): Promise<void> {
  const deadline = performance.now() + DIRECT_TIMEOUT_MS;
  await eventually('a direct path, or the end of waiting for it', DIRECT_TIMEOUT_MS + 1000, () =>
    directSince(a, b) !== undefined || performance.now() >= deadline ? true : undefined,
  );
}

/** When the later one of the two confirmed its first direct path, in epoch milliseconds. */
function directSince(a: NodeDaemon, b: NodeDaemon): number | undefined {
  const times = [confirmedAt(a, b), confirmedAt(b, a)];
  return times.includes(undefined) ? undefined : Math.max(...times.map(Number));
}

function confirmedAt(node: NodeDaemon, peer: NodeDaemon): number | undefined {
  return node.log.entries.find(({ event, hostname }) => event === 'path-confirmed' && hostname === peer.host.label)
    ?.time;
}

async function pathFrom(node: NodeDaemon, peer: NodeDaemon): Promise<PeerStatus['path']> {
  const { peers } = await node.status();
  return peers.find(({ hostname }) => hostname === peer.host.label)?.path ?? 'none';
}

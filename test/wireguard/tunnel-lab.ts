// Two hosts on the public segment of a lab, and tunnels between them: shadownet-wg at `ours`, wireguard-go (unless a test wants
// otherwise) at `theirs`. For the specs of shadownet-wg.
import { Lab, type LabHost } from '../lab/lab.js';
import { type DataPlane, type Implementation, WireGuardEnd } from './wireguard-end.js';

export const OUR_HOST = '203.0.113.10';
export const THEIR_HOST = '203.0.113.11';

export interface PairOptions {
  readonly dataPlane?: DataPlane;
  /** Of the other end. */
  readonly theirs?: Implementation;
}

export interface TunnelPair {
  readonly ours: WireGuardEnd;
  readonly theirs: WireGuardEnd;
}

export class TunnelLab {
  #pairs = 0;

  private constructor(
    readonly lab: Lab,
    readonly ourHost: LabHost,
    readonly theirHost: LabHost,
  ) {}

  static async create(): Promise<TunnelLab> {
    const lab = await Lab.create();
    const ourHost = await lab.addPublicHost('ours', OUR_HOST);
    return new TunnelLab(lab, ourHost, await lab.addPublicHost('theirs', THEIR_HOST));
  }

  /** Two ends that are not yet introduced to each other, each with an inner subnet of its own. */
  async newPair({ dataPlane, theirs: implementation = 'wireguard-go' }: PairOptions = {}): Promise<TunnelPair> {
    const n = ++this.#pairs;
    const inner = (last: number): [string, string] => [
      `10.77.${String(n)}.${String(last)}`,
      `fd77:${String(n)}::${String(last)}`,
    ];
    const ours = await WireGuardEnd.create(this.lab, this.ourHost, 'shadownet-wg', inner(1), 51_800 + n, dataPlane);
    const theirs = await WireGuardEnd.create(this.lab, this.theirHost, implementation, inner(2), 51_900 + n);
    return { ours, theirs };
  }

  /** Both know each other's endpoint and are up. */
  async newTunnel(options: PairOptions = {}): Promise<TunnelPair> {
    const { ours, theirs } = await this.newPair(options);
    await ours.addPeer(theirs, { endpoint: `${THEIR_HOST}:${String(theirs.port)}` });
    await theirs.addPeer(ours, { endpoint: `${OUR_HOST}:${String(ours.port)}` });
    await ours.up();
    await theirs.up();
    return { ours, theirs };
  }

  dispose(): Promise<void> {
    return this.lab.dispose();
  }
}

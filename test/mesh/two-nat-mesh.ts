// The network of the issue: control on the public segment, and two nodes, each behind its own NAT, on LANs with the same subnet.
// The hosts even have the same address in them. Laid out but not started: the demo and the specs start the parts in their own order.
import { type Lab, type LabHost } from '../lab/lab.js';
import { type NatBehaviour } from '../lab/nat-behaviour.js';
import { type NatRouter } from '../lab/nat-router.js';
import { ControlServer } from './control-server.js';
import { NodeDaemon } from './node-daemon.js';

export interface TwoNatMeshOptions {
  readonly addressA?: string;
  readonly addressB?: string;
  /** More flags of `shadownet-control serve`. */
  readonly controlFlags?: readonly string[];
  /** Port-restricted unless told. */
  readonly natA?: NatBehaviour;
  readonly natB?: NatBehaviour;
  /** More flags of `shadownet-node up` on both hosts, and on host B. */
  readonly flags?: readonly string[];
  readonly flagsB?: readonly string[];
}

const LAN = '192.168.1.1/24';
const HOST_ADDRESS = '192.168.1.2';

export class TwoNatMesh {
  private constructor(
    readonly lab: Lab,
    readonly control: ControlServer,
    readonly natA: NatRouter,
    readonly natB: NatRouter,
    readonly nodeA: NodeDaemon,
    readonly nodeB: NodeDaemon,
  ) {}

  static async layOut(lab: Lab, options: TwoNatMeshOptions = {}): Promise<TwoNatMesh> {
    const usual = { kind: 'port-restricted' } as const;
    const behaviourOf = { a: options.natA ?? usual, b: options.natB ?? usual };
    const controlHost = await lab.addPublicHost('control', '203.0.113.10');
    const control = new ControlServer(controlHost, lab.makeDir('control'), undefined, options.controlFlags);
    const natA = await lab.addNat('nat-a', { behaviour: behaviourOf.a, address: '203.0.113.21', lan: LAN });
    const natB = await lab.addNat('nat-b', { behaviour: behaviourOf.b, address: '203.0.113.22', lan: LAN });
    const hostA = await lab.addHost('host-a', natA, options.addressA ?? HOST_ADDRESS);
    const hostB = await lab.addHost('host-b', natB, options.addressB ?? HOST_ADDRESS);
    const node = (host: LabHost, flags: readonly string[]): NodeDaemon =>
      new NodeDaemon(host, { controlUrl: control.url, dir: lab.makeDir(host.label), flags });
    const { flags = [], flagsB = [] } = options;
    return new TwoNatMesh(lab, control, natA, natB, node(hostA, flags), node(hostB, [...flags, ...flagsB]));
  }

  get hostA(): LabHost {
    return this.nodeA.host;
  }

  get hostB(): LabHost {
    return this.nodeB.host;
  }

  /** Starts control and both nodes, and returns when both are usable. */
  async start(): Promise<{ ipA: string; ipB: string }> {
    await this.control.start();
    await Promise.all([this.nodeA.up(), this.nodeB.up()]);
    return { ipA: (await this.nodeA.status()).virtual_ip, ipB: (await this.nodeB.status()).virtual_ip };
  }

  /** Ends the reading of the nodes' log files. The lab is its owner's to dispose of. */
  stopFollowing(): void {
    this.nodeA.stopFollowing();
    this.nodeB.stopFollowing();
  }
}

// A NAT router of a lab: a namespace with an outer device `ext` and a LAN on the bridge `int`.
import { CommandError } from './command.js';
import { eventually } from './eventually.js';
import {
  filterRules,
  type IptablesRule,
  type NatBehaviour,
  type PortRange,
  postroutingRules,
  preroutingRules,
} from './nat-behaviour.js';
import { addNamespace, NetworkNamespace } from './network-namespace.js';

/** One UDP flow through the router, as its connection tracking sees it. Endpoints are written address:port. */
export interface UdpMapping {
  readonly inside: string;
  readonly outside: string;
  readonly remote: string;
}

export interface Rebinding {
  readonly mappingsBefore: readonly UdpMapping[];
  readonly ports: PortRange;
}

/** Below the ports that Linux gives to sockets (32768 and up), so that a socket's own port never lies in a new range. */
const FIRST_REBINDING_PORT = 20_000;
const REBINDING_RANGE = 100;

export class NatRouter extends NetworkNamespace {
  #rebindings = 0;

  private constructor(
    label: string,
    name: string,
    /** Address of `ext`. */
    readonly address: string,
    /** Address of `int` with its prefix length: the LAN's gateway. */
    readonly lan: string,
    readonly behaviour: NatBehaviour,
  ) {
    super(label, name);
  }

  /** The router without its links; the lab connects `ext`. */
  static async start(
    label: string,
    name: string,
    address: string,
    lan: string,
    behaviour: NatBehaviour,
  ): Promise<NatRouter> {
    await addNamespace(name);
    const router = new NatRouter(label, name, address, lan, behaviour);
    await router.addBridge('int');
    await router.addAddress('int', lan);
    await router.#apply([...filterRules(behaviour), ...preroutingRules(behaviour), ...postroutingRules(behaviour)]);
    await router.setSysctl('ipv4/ip_forward', '1');
    return router;
  }

  get gateway(): string {
    return this.lan.split('/')[0] ?? this.lan;
  }

  /** The UDP flows that are translated at this moment. */
  async udpMappings(): Promise<UdpMapping[]> {
    const { stdout } = await this.run(['conntrack', '-L', '-p', 'udp']);
    return stdout
      .split('\n')
      .map(parseConntrackLine)
      .filter((mapping) => mapping !== undefined)
      .filter((mapping) => mapping.outside.startsWith(`${this.address}:`));
  }

  /**
   * What a router does that loses its table: from now on UDP leaves from a port range it has not used before, and every flow is
   * forgotten. (With an unchanged rule the same mapping would come back, and no test of this could fail.)
   */
  async rebind(): Promise<Rebinding> {
    if (this.behaviour.kind !== 'port-restricted') {
      throw new TypeError(`rebinding is defined for port-restricted NATs, not for ${this.behaviour.kind}`);
    }
    const from = FIRST_REBINDING_PORT + this.#rebindings * REBINDING_RANGE;
    const ports = { from, to: from + REBINDING_RANGE - 1 };
    this.#rebindings += 1;
    await this.iptables('-t', 'nat', '-F', 'POSTROUTING');
    await this.#apply(postroutingRules(this.behaviour, ports));
    const mappingsBefore = await this.udpMappings();
    await this.forgetFlows();
    return { mappingsBefore, ports };
  }

  /**
   * Waits until a flow to `remoteAddress` that existed before `rebinding` uses another outer port, and returns both of its mappings.
   * One destination, because the first packets of a socket to two of them can be translated at the same moment on two cores, and then
   * Linux gives them two ports.
   */
  waitUntilRebound(
    rebinding: Rebinding,
    remoteAddress: string,
    timeoutMs: number,
  ): Promise<{ before: UdpMapping; after: UdpMapping }> {
    const toRemote = ({ remote }: UdpMapping): boolean => remote.startsWith(`${remoteAddress}:`);
    return eventually(`a new outer port on ${this.label}`, timeoutMs, async () => {
      for (const after of (await this.udpMappings()).filter(toRemote)) {
        const before = rebinding.mappingsBefore.filter(toRemote).find(({ inside }) => inside === after.inside);
        if (before !== undefined && before.outside !== after.outside) return { before, after };
      }
      return undefined;
    });
  }

  /** Deletes all UDP flows from connection tracking. */
  async forgetFlows(): Promise<void> {
    const argv = ['conntrack', '-D', '-p', 'udp'];
    const output = await this.tryRun(argv);
    // It ends with 1 when there was nothing to delete, and says so.
    if (output.code !== 0 && !output.stderr.includes('0 flow entries')) throw new CommandError(argv, output);
  }

  /** For how long UDP flows outlive silence from now on, in whole seconds; 30, and 120 with traffic both ways, unless set. */
  async setUdpTimeout(seconds: number): Promise<void> {
    await this.setSysctl('netfilter/nf_conntrack_udp_timeout', String(seconds));
    await this.setSysctl('netfilter/nf_conntrack_udp_timeout_stream', String(seconds));
  }

  /** Loses packets in both directions with this probability; 0 ends it. */
  async setLoss(probability: number): Promise<void> {
    await this.iptables('-t', 'mangle', '-F', 'FORWARD');
    if (probability === 0) return;
    const random = ['-m', 'statistic', '--mode', 'random', '--probability', String(probability)];
    await this.iptables('-t', 'mangle', '-A', 'FORWARD', ...random, '-j', 'DROP');
  }

  async #apply(rules: readonly IptablesRule[]): Promise<void> {
    for (const rule of rules) await this.iptables(...rule);
  }
}

/** A line names the flow twice: as it came in, and as its answers come back; the answer's destination is the outer endpoint. */
function parseConntrackLine(line: string): UdpMapping | undefined {
  const values = (key: string): string[] =>
    [...line.matchAll(new RegExp(`(?:^|\\s)${key}=(\\S+)`, 'g'))].map((match) => match[1] ?? '');
  const [source, answerSource] = values('src');
  const [, answerDestination] = values('dst');
  const [sourcePort, answerSourcePort] = values('sport');
  const [, answerDestinationPort] = values('dport');
  if (answerDestination === undefined || answerDestinationPort === undefined) return undefined;
  return {
    inside: `${source ?? ''}:${sourcePort ?? ''}`,
    outside: `${answerDestination}:${answerDestinationPort}`,
    remote: `${answerSource ?? ''}:${answerSourcePort ?? ''}`,
  };
}

// A real miniupnpd on a router of a lab: the port mapping that many home routers offer, by UPnP-IGD, NAT-PMP and PCP. It writes
// its rules by the older interface of the kernel, so its chains are made by iptables-legacy; both kinds of rules are in force.
//
// It refuses to run on an outer address that is no public one, and counts the documentation ranges among them: such a router
// needs another outer address, on the same segment.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import type { LabProcess } from './lab-process.js';
import type { NatRouter } from './nat-router.js';

export interface PortMappingOptions {
  /** UPnP-IGD; on unless told. */
  readonly upnp?: boolean;
  /** NAT-PMP and PCP, which it offers together; on unless told. */
  readonly pcp?: boolean;
}

/** What it has mapped: one line each. */
export interface PortMappingLease {
  readonly protocol: string;
  readonly externalPort: number;
  readonly inside: string;
}

const START_TIMEOUT_MS = 10_000;

export class PortMappingDaemon {
  #process: LabProcess | undefined;

  private constructor(
    private readonly router: NatRouter,
    private readonly dir: string,
  ) {}

  /** `dir` holds its configuration and its leases. */
  static async start(router: NatRouter, dir: string, options: PortMappingOptions = {}): Promise<PortMappingDaemon> {
    await addChains(router);
    return PortMappingDaemon.restartWith(router, dir, options);
  }

  /** Another one in place of one that was stopped. */
  static async restartWith(router: NatRouter, dir: string, options: PortMappingOptions): Promise<PortMappingDaemon> {
    const daemon = new PortMappingDaemon(router, dir);
    writeFileSync(join(dir, 'miniupnpd.conf'), configuration(router, daemon.#leaseFile, options));
    await daemon.restart();
    return daemon;
  }

  /** As after a power cut: the mappings are gone, and so is the time since which it counts. */
  async restart(): Promise<void> {
    await this.stop();
    writeFileSync(this.#leaseFile, '');
    for (const [table, chain] of CHAINS) await this.#legacy('-t', table, '-F', chain);
    const process = this.router.spawn([
      'miniupnpd',
      '-d',
      '-f',
      join(this.dir, 'miniupnpd.conf'),
      '-P',
      join(this.dir, 'pid'),
    ]);
    this.#process = process;
    let ready = false;
    process.onStderrLine((line) => {
      ready ||= line.includes('HTTP listening') || line.includes('Listening for NAT-PMP');
    });
    await eventually('miniupnpd to listen', START_TIMEOUT_MS, () => {
      if (!process.running) throw new Error(`miniupnpd has ended:\n${process.stderrTail}`);
      return ready ? true : undefined;
    });
  }

  async stop(): Promise<void> {
    await this.#process?.stop('SIGTERM');
    this.#process = undefined;
  }

  /** `UDP:43574:192.168.1.2:43574:1795201512:description` */
  leases(): PortMappingLease[] {
    // It takes the file away when it starts, and makes one with the first mapping.
    if (!existsSync(this.#leaseFile)) return [];
    return readFileSync(this.#leaseFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [protocol = '', externalPort = '', address = '', port = ''] = line.split(':');
        return { protocol, externalPort: Number(externalPort), inside: `${address}:${port}` };
      });
  }

  get #leaseFile(): string {
    return join(this.dir, 'leases');
  }

  async #legacy(...args: readonly string[]): Promise<void> {
    await this.router.run(['iptables-legacy', '-w', '10', ...args]);
  }
}

const CHAINS = [
  ['nat', 'MINIUPNPD'],
  ['nat', 'MINIUPNPD-POSTROUTING'],
  ['filter', 'MINIUPNPD'],
  ['mangle', 'MINIUPNPD'],
] as const;

async function addChains(router: NatRouter): Promise<void> {
  const legacy = (...args: string[]) => router.run(['iptables-legacy', '-w', '10', ...args]);
  for (const [table, chain] of CHAINS) await legacy('-t', table, '-N', chain);
  await legacy('-t', 'nat', '-A', 'PREROUTING', '-i', 'ext', '-j', 'MINIUPNPD');
  await legacy('-t', 'nat', '-A', 'POSTROUTING', '-o', 'ext', '-j', 'MINIUPNPD-POSTROUTING');
  await legacy('-A', 'FORWARD', '-i', 'ext', '!', '-o', 'ext', '-j', 'MINIUPNPD');
}

function configuration(router: NatRouter, leaseFile: string, { upnp = true, pcp = true }: PortMappingOptions): string {
  const network = router.lan.replace(/\.\d+\//, '.0/');
  const yesNo = (on: boolean): string => (on ? 'yes' : 'no');
  return `ext_ifname=ext
listening_ip=int
http_port=5000
enable_natpmp=${yesNo(pcp)}
enable_upnp=${yesNo(upnp)}
secure_mode=yes
system_uptime=no
lease_file=${leaseFile}
min_lifetime=5
max_lifetime=86400
notify_interval=900
uuid=7b3f6d5e-8e56-4b2e-9d4c-0d9d1d9f0a01
allow 1024-65535 ${network} 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`;
}

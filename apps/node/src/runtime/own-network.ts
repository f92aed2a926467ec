// Where this node is in its network, while that changes: gathers host candidates, has a port mapped on the router where a NAT
// makes that useful, has that NAT measured, and sees to it that paths are checked after a change or a sleep.

import { networkInterfaces } from 'node:os';
import { describeNat, type NatReport, traitsOf, type UnavailableReason } from '@shadownet/paths';
import {
  type Endpoint,
  endpointsEqual,
  formatEndpoint,
  formatIpAddress,
  type Instant,
  ipAddressesEqual,
  type IpPrefix,
} from '@shadownet/primitives';
import type { Tunnel } from '@shadownet/tunnel';
import type { UdpSocket } from '@shadownet/udp';
import { findGateway, type Gateway } from '../router/default-gateway.js';
import { PortForwarding } from '../router/port-forwarding.js';
import type { ForwardedPort } from '../router/router-session.js';
import { hostCandidates, type Interfaces } from './candidate-gatherer.js';
import { localAddresses } from './local-addresses.js';
import { NatMonitor, type NatTestServers } from './nat-monitor.js';
import { NetworkWatch, type NetworkSign } from './network-watch.js';
import type { NodeLog } from './node-log.js';
import type { TunnelDriver } from './tunnel-driver.js';

export interface OwnNetworkOptions {
  readonly tunnel: Tunnel;
  readonly driver: TunnelDriver;
  readonly socket: UdpSocket;
  readonly log: NodeLog;
  readonly now: () => Instant;
  /** The mesh's own addresses. */
  readonly overlay: () => readonly IpPrefix[];
  /** 12 bytes for the router (PortMapper); `undefined`: no port is mapped. */
  readonly mappingNonce: Uint8Array | undefined;
  /** What to announce is another than before. */
  readonly onChange: () => void;
  /** What was proved about addresses of ours may not hold any more. */
  readonly onMoved: () => void;
}

export class OwnNetwork {
  readonly #options: OwnNetworkOptions;
  readonly #forwarding: PortForwarding | undefined;
  readonly #nat: NatMonitor;
  #watch: NetworkWatch | undefined;
  #unavailable: string | undefined;

  constructor(options: OwnNetworkOptions) {
    this.#options = options;
    const { socket, now, mappingNonce: nonce } = options;
    this.#forwarding =
      nonce &&
      new PortForwarding({
        ...{ internalPort: socket.port, nonce, now },
        onChange: (port) => this.#onForwarded(port),
        onUnavailable: (reason, gateway) => this.#onUnavailable(reason, gateway),
      });
    this.#nat = new NatMonitor({ now, onReport: (report) => this.#onNatReport(report) });
    this.#gather(networkInterfaces());
  }

  /** What kind of NAT there is, as soon as that was measured. */
  get nat(): NatReport | undefined {
    return this.#nat.report;
  }

  get forwardedPort(): ForwardedPort | undefined {
    return this.#forwarding?.port;
  }

  /** From now on what changes is noticed, and a port is mapped. */
  watch(): void {
    this.#watch = new NetworkWatch({ now: this.#options.now, onSign: (sign) => this.#onSign(sign) });
    this.#chooseGateway(networkInterfaces());
    this.#nat.measure();
  }

  /** Whom the node asks where it is. */
  setStunServers(servers: NatTestServers): void {
    this.#nat.setServers(servers);
  }

  /** STUN servers see the node at another address: there may be a NAT where there was none, or none any more. */
  onReflexiveChanged(): void {
    if (!this.#watch) return;
    this.#chooseGateway(networkInterfaces());
    this.#nat.measure();
  }

  /** Gives the port mapping back. */
  async close(): Promise<void> {
    this.#watch?.close();
    this.#watch = undefined;
    await Promise.all([this.#forwarding?.stop(), this.#nat.close()]);
  }

  #onSign(sign: NetworkSign): void {
    const { driver, log, tunnel, onChange, onMoved } = this.#options;
    const interfaces = networkInterfaces();
    const gatewayBefore = this.#forwarding?.gateway;
    this.#chooseGateway(interfaces);
    const gathered = this.#gather(interfaces);
    const moved = sign === 'slept' || (gatewayBefore && this.#forwarding?.gateway !== gatewayBefore);
    if (gathered || moved) {
      this.#nat.measure();
      onMoved();
    }
    if (gathered) {
      log.event('candidates-changed', { candidates: tunnel.hostCandidates.map(formatEndpoint) });
      onChange();
    } else if (moved) {
      driver.run((tunnel, now, out) => tunnel.recheckNetwork(now, out));
    }
    if (sign === 'slept') log.event('slept', {});
  }

  /** True if the host candidates are others than before. */
  #gather(interfaces: Interfaces): boolean {
    const { driver, socket, tunnel, overlay } = this.#options;
    const { port, families } = socket;
    const found = hostCandidates(interfaces, { port, families, overlay: overlay() });
    if (sameEndpoints(found, tunnel.hostCandidates)) return false;
    driver.run((tunnel, now, out) => tunnel.setHostCandidates(found, now, out));
    return true;
  }

  /** A mapping is of use where STUN servers see another address than the host's own, so behind a NAT. */
  #chooseGateway(interfaces: Interfaces): void {
    const { tunnel } = this.#options;
    const own = localAddresses(interfaces);
    const isTranslated = tunnel.reflexive.some(
      ({ address }) => address.family === 4 && !own.some((one) => ipAddressesEqual(one, address)),
    );
    this.#forwarding?.use(isTranslated ? findGateway(interfaces) : undefined);
  }

  #onNatReport(report: NatReport): void {
    const { driver, log } = this.#options;
    driver.run((tunnel, now, out) => tunnel.setNatTraits(traitsOf(report), now, out));
    log.event('nat-measured', { kind: report.kind, meaning: describeNat(report) });
  }

  #onForwarded(port: ForwardedPort | undefined): void {
    const { driver, log, onChange } = this.#options;
    driver.run((tunnel) => tunnel.setMappedEndpoint(port?.external));
    if (port) {
      this.#unavailable = undefined;
      log.event('port-mapped', { protocol: port.protocol, endpoint: formatEndpoint(port.external) });
    } else log.event('port-unmapped', {});
    if (this.#watch) onChange();
  }

  /** Said once for each gateway and reason: it is tried again every ten minutes. */
  #onUnavailable(reason: UnavailableReason, gateway: Gateway): void {
    const shown = formatIpAddress(gateway.address);
    const key = `${shown} ${reason}`;
    if (key === this.#unavailable) return;
    this.#unavailable = key;
    this.#options.log.event('port-mapping-unavailable', { gateway: shown, reason });
  }
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((one, i) => endpointsEqual(one, b[i]!));
}

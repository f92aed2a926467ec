// One UDP port kept open by UPnP: made, looked after, deleted. Used by RouterSession where the router speaks neither PCP nor
// NAT-PMP.

import {
  addDuration,
  type Duration,
  endpoint,
  type Endpoint,
  endpointsEqual,
  type Instant,
  ipAddressScope,
  milliseconds,
  minutes,
  seconds,
} from '@shadownet/primitives';
import type { Gateway } from './default-gateway.js';
import { CONFLICT, IgdClient, ONLY_PERMANENT_LEASES } from './igd-client.js';
import { discoverUpnp } from './upnp-discovery.js';

export type UpnpFailure = 'no-answer' | 'refused' | 'address-not-public';
export type UpnpOpening =
  { readonly ok: true; readonly mapping: UpnpMapping } | { readonly ok: false; readonly reason: UpnpFailure };

const LEASE = minutes(60);
/** A router that has restarted has forgotten the mapping, and does not say so. */
const CHECK_INTERVAL = seconds(60);
/** Ports above the inner one that are tried when others have it. */
const PORT_STEPS = [0, 1, 2, 3];
const MAX_FAILED_CHECKS = 3;

export class UpnpMapping {
  #failedChecks = 0;
  #renewAt: Instant;

  private constructor(
    private readonly client: IgdClient,
    private readonly internalPort: number,
    private readonly lease: Duration,
    public external: Endpoint,
    now: Instant,
  ) {
    this.#renewAt = addDuration(now, milliseconds(LEASE / 2));
  }

  static async open(
    gateway: Gateway,
    internalPort: number,
    now: () => Instant,
    signal: AbortSignal,
  ): Promise<UpnpOpening> {
    const location = await discoverUpnp(gateway, signal);
    const client = location && (await IgdClient.open(gateway, location));
    if (!client) return { ok: false, reason: 'no-answer' };
    const opened = signal.aborted
      ? ({ ok: false, reason: 'no-answer' } as const)
      : await UpnpMapping.#openWith(client, internalPort, now());
    if (!opened.ok) await client.close();
    return opened;
  }

  static async #openWith(client: IgdClient, internalPort: number, now: Instant): Promise<UpnpOpening> {
    const address = await client.externalAddress();
    if (!address.ok) return { ok: false, reason: address.code === undefined ? 'no-answer' : 'refused' };
    if (ipAddressScope(address.value) !== 'global') return { ok: false, reason: 'address-not-public' };
    let lease: Duration = LEASE;
    for (const step of PORT_STEPS) {
      const externalPort = internalPort + step;
      if (externalPort > 0xffff) break;
      let added = await client.addMapping({ externalPort, internalPort, lease });
      if (!added.ok && added.code === ONLY_PERMANENT_LEASES) {
        lease = milliseconds(0);
        added = await client.addMapping({ externalPort, internalPort, lease });
      }
      if (added.ok) {
        const external = endpoint(address.value, externalPort);
        return { ok: true, mapping: new UpnpMapping(client, internalPort, lease, external, now) };
      }
      if (added.code !== CONFLICT) return { ok: false, reason: added.code === undefined ? 'no-answer' : 'refused' };
    }
    return { ok: false, reason: 'refused' };
  }

  get checkInterval(): Duration {
    return CHECK_INTERVAL;
  }

  /** Sees to it that the mapping is still there, and where. Gives up after three failures in a row. */
  async check(now: Instant): Promise<'kept' | 'moved' | 'lost'> {
    const { port } = this.external;
    const present = await this.client.hasMapping({ externalPort: port, internalPort: this.internalPort });
    if (!present.ok) return ++this.#failedChecks < MAX_FAILED_CHECKS ? 'kept' : 'lost';
    if (!present.value || now >= this.#renewAt) {
      const again = await this.client.addMapping({
        ...{ externalPort: port, internalPort: this.internalPort },
        lease: this.lease,
      });
      if (!again.ok) return 'lost';
      this.#renewAt = addDuration(now, milliseconds(LEASE / 2));
    }
    this.#failedChecks = 0;
    const address = await this.client.externalAddress();
    if (!address.ok) return 'kept';
    if (ipAddressScope(address.value) !== 'global') return 'lost';
    const external = endpoint(address.value, port);
    if (endpointsEqual(external, this.external)) return 'kept';
    this.external = external;
    return 'moved';
  }

  /** Deletes it in the router. */
  async close(): Promise<void> {
    await this.client.deleteMapping(this.external.port);
    await this.client.close();
  }
}

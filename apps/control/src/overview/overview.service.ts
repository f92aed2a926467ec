import { Inject, Injectable } from '@nestjs/common';
import type { Overview, OverviewLink, OverviewNode } from '@shadownet/contracts';
import { formatIpPrefix } from '@shadownet/primitives';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { WriteQueue } from '../database/write-queue.js';
import { ServerIdentity } from '../identity/server-identity.js';
import { MapVersions } from '../network-map/map-versions.js';
import { formatVirtualAddress } from '../nodes/address-pool.js';
import { HeartbeatBatch } from '../nodes/heartbeat-batch.js';
import { LinkEntity } from '../nodes/link.entity.js';
import { NodeEntity } from '../nodes/node.entity.js';
import { VERSION } from '../version.js';

@Injectable()
export class OverviewService {
  constructor(
    private readonly queue: WriteQueue,
    private readonly heartbeats: HeartbeatBatch,
    private readonly versions: MapVersions,
    private readonly identity: ServerIdentity,
    @Inject(CONFIG) private readonly config: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async overview(): Promise<Overview> {
    await this.heartbeats.flush();
    return this.queue.transaction(async (manager) => {
      const nodes = await manager.find(NodeEntity, { order: { address: 'ASC' } });
      const links = await manager.find(LinkEntity, { order: { fromKey: 'ASC', toKey: 'ASC' } });
      const ids = new Map(nodes.map(({ publicKey, id }) => [publicKey, id]));
      return {
        network: {
          cidr: formatIpPrefix(this.config.network),
          server_public_key: this.identity.publicKeyText,
          version: VERSION,
          map_version: await this.versions.current(manager),
        },
        server_time: formatTime(this.clock.wall()),
        nodes: nodes.map(toOverviewNode),
        links: links.map((link) => toOverviewLink(link, ids)),
      };
    });
  }
}

function toOverviewNode(node: NodeEntity): OverviewNode {
  return {
    id: node.id,
    public_key: node.publicKey,
    hostname: node.hostname,
    os: node.os,
    version: node.version,
    virtual_ip: formatVirtualAddress(node.address),
    endpoint: node.endpoint,
    candidates: node.candidates,
    online: node.online,
    registered_at: formatTime(node.registeredAt),
    last_heartbeat: formatTime(node.lastHeartbeatAt),
  };
}

/** Both ends are known: links refer to nodes by foreign keys. */
function toOverviewLink(link: LinkEntity, ids: ReadonlyMap<string, string>): OverviewLink {
  return {
    from: ids.get(link.fromKey)!,
    to: ids.get(link.toKey)!,
    path: link.path,
    state: link.state,
    endpoint: link.endpoint,
    rtt_ms: link.rttMs,
    last_handshake: link.lastHandshakeAt === null ? null : formatTime(link.lastHandshakeAt),
    rx_bytes: link.rxBytes,
    tx_bytes: link.txBytes,
    reported_at: formatTime(link.reportedAt),
  };
}

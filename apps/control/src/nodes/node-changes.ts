// Changes of nodes on their way to the other nodes: each raises the map's version in the transaction that makes it, and is
// published once that is committed.

import { Inject, Injectable } from '@nestjs/common';
import type { StreamEvent } from '@shadownet/contracts';
import { formatIpPrefix } from '@shadownet/primitives';
import type { EntityManager } from 'typeorm';
import { CONFIG, type ControlConfig } from '../config.js';
import { EventStreams } from '../events/event-streams.js';
import { MapVersions } from '../network-map/map-versions.js';
import { toPeer } from '../network-map/network-map.js';
import type { NodeEntity } from './node.entity.js';

/** An event about the node of that key: all others are to hear of it. */
export interface NodeChange {
  readonly publicKey: string;
  readonly event: StreamEvent;
}

@Injectable()
export class NodeChanges {
  constructor(
    private readonly versions: MapVersions,
    private readonly streams: EventStreams,
    @Inject(CONFIG) private readonly config: ControlConfig,
  ) {}

  async changed(manager: EntityManager, node: NodeEntity): Promise<NodeChange> {
    const payload = {
      map_version: await this.versions.advance(manager),
      network_cidr: formatIpPrefix(this.config.network),
      peer: toPeer(node),
    };
    return { publicKey: node.publicKey, event: { type: 'peer-changed', payload } };
  }

  /** The key is no longer known under `id`. */
  async removed(manager: EntityManager, publicKey: string, id: string): Promise<NodeChange> {
    const payload = { map_version: await this.versions.advance(manager), id };
    return { publicKey, event: { type: 'peer-removed', payload } };
  }

  /** To be called after the commit. */
  publish(changes: readonly NodeChange[]): void {
    for (const { event, publicKey } of changes) this.streams.publish(event, publicKey);
  }
}

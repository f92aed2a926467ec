// Changes of nodes on their way to the other nodes: each raises the map's version in the transaction that makes it, and is
// published once that is committed. Whatever of a node is changed in the database has to go through here.

import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { MapBroadcast } from '../events/map-broadcast.js';
import { MapVersions } from '../network-map/map-versions.js';
import { type NodeChange, NodeRoster } from '../network-map/node-roster.js';
import { RemovedNodeEntity } from '../network-map/removed-node.entity.js';
import { type Visibility, VISIBILITY } from '../network-map/visibility.js';
import { NodeEntity } from './node.entity.js';

@Injectable()
export class NodeChanges {
  constructor(
    private readonly versions: MapVersions,
    private readonly broadcast: MapBroadcast,
    private readonly roster: NodeRoster,
    @Inject(VISIBILITY) private readonly visibility: Visibility,
  ) {}

  /** `node` was stored, and is not touched by the caller any more. */
  async changed(manager: EntityManager, node: NodeEntity): Promise<NodeChange> {
    const version = await this.versions.advance(manager);
    node.changedSequence = version.sequence;
    await manager.update(NodeEntity, { publicKey: node.publicKey }, { changedSequence: version.sequence });
    await manager.delete(RemovedNodeEntity, { id: node.id });
    const before = this.roster.node(node.publicKey);
    const endsHistory = before !== undefined && this.visibility.groupOf(before) !== this.visibility.groupOf(node);
    if (endsHistory) await this.versions.forgetBefore(manager, version.sequence);
    return { kind: 'changed', version, node, endsHistory };
  }

  /** The key is no longer known under `id`. */
  async removed(manager: EntityManager, publicKey: string, id: string): Promise<NodeChange> {
    const version = await this.versions.advance(manager);
    await manager.upsert(RemovedNodeEntity, { id, changedSequence: version.sequence }, ['id']);
    return { kind: 'removed', version, publicKey, id };
  }

  /** To be called right after the commit. */
  publish(changes: readonly NodeChange[]): void {
    for (const change of changes) this.broadcast.publish(change);
  }
}

// What admins do to nodes: tags, approval, shutting out, deletion. Whoever is no member any more is cut off at once: its requests
// are refused, its stream ends, its peers are told to drop it, and no relay carries for it.

import { Inject, Injectable } from '@nestjs/common';
import type { NodeEdit, NodeList, NodeMessage } from '@shadownet/contracts';
import type { EntityManager } from 'typeorm';
import { AuditLog } from '../audit/audit-log.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { DeletedNodeEntity } from '../enrolment/deleted-node.entity.js';
import { EventStreams } from '../events/event-streams.js';
import { ApiError } from '../http/api-error.js';
import type { NodeChange } from '../network-map/node-roster.js';
import { RelayService } from '../relay/relay.service.js';
import { formatVirtualAddress } from './address-pool.js';
import { Liveness } from './liveness.js';
import { NodeChanges } from './node-changes.js';
import { NodeEntity } from './node.entity.js';
import { isLeftBehind, isMember } from './standing.js';

@Injectable()
export class NodeAdministration {
  constructor(
    private readonly queue: WriteQueue,
    private readonly changes: NodeChanges,
    private readonly liveness: Liveness,
    private readonly streams: EventStreams,
    private readonly relay: RelayService,
    private readonly audit: AuditLog,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** In the order of their addresses. */
  list(): Promise<NodeList> {
    return this.queue.transaction(async (manager) => {
      const nodes = await manager.find(NodeEntity, { order: { address: 'ASC' } });
      return { nodes: nodes.map(toMessage) };
    });
  }

  /** Throws ApiError `not-found`. */
  get(id: string): Promise<NodeMessage> {
    return this.queue.transaction(async (manager) => toMessage(await find(manager, id)));
  }

  /** Throws ApiError `not-found`. */
  async edit(actor: string, id: string, edit: NodeEdit): Promise<NodeMessage> {
    const { after } = await this.queue.transaction(
      async (manager) => {
        const before = await find(manager, id);
        const changes: NodeChange[] = [];
        const { tags = before.tags, standing = before.standing } = edit;
        const update = { tags, standing, online: before.online && standing !== 'disabled' };
        const after = manager.create(NodeEntity, { ...before, ...update });
        for (const action of actionsOf(before, after)) {
          const facts = { before: factsOf(before), after: factsOf(after) };
          await this.audit.record(manager, { actor, action, subject: `node:${before.id}`, ...facts });
        }
        if (actionsOf(before, after).length > 0) {
          await manager.update(NodeEntity, { publicKey: before.publicKey }, update);
          changes.push(await this.changes.changed(manager, after));
        }
        return { after, changes };
      },
      ({ after, changes }) => {
        if (changes.length === 0) return;
        this.changes.publish(changes);
        if (isMember(after)) this.relay.admit(after.publicKey);
        else if (after.standing === 'disabled') this.#cutOff(after);
      },
    );
    return toMessage(after);
  }

  /** Its key is remembered: only a join key that is made from now on lets it join again. Throws ApiError `not-found`. */
  async delete(actor: string, id: string): Promise<NodeMessage> {
    const { node } = await this.queue.transaction(
      async (manager) => {
        const node = await find(manager, id);
        const { publicKey } = node;
        const changes = [await this.#remove(manager, actor, node)];
        await manager.upsert(DeletedNodeEntity, { publicKey, deletedAt: this.clock.wall() }, ['publicKey']);
        return { node, changes };
      },
      ({ node, changes }) => {
        this.changes.publish(changes);
        this.#cutOff(node);
      },
    );
    return toMessage(node);
  }

  /** Unless it is back meanwhile. Its key is not remembered: it is meant to come again, by a join key that still is usable. */
  async deleteLeftBehind(publicKey: string): Promise<void> {
    await this.queue.transaction(
      async (manager) => {
        const node = await manager.findOneBy(NodeEntity, { publicKey });
        if (!node || !isLeftBehind(node)) return;
        return { node, changes: [await this.#remove(manager, 'server', node)] };
      },
      (deleted) => {
        if (!deleted) return;
        this.changes.publish(deleted.changes);
        this.#cutOff(deleted.node);
      },
    );
  }

  async #remove(manager: EntityManager, actor: string, node: NodeEntity): Promise<NodeChange> {
    const { id, publicKey } = node;
    await manager.delete(NodeEntity, { publicKey });
    await this.audit.record(manager, { actor, action: 'node.delete', subject: `node:${id}`, before: factsOf(node) });
    return this.changes.removed(manager, publicKey, id);
  }

  /** After its change was published: whoever asks from then on is refused, and gets neither a stream nor a ticket any more. */
  #cutOff({ publicKey }: NodeEntity): void {
    this.liveness.left(publicKey);
    this.streams.end(publicKey);
    this.relay.revoke(publicKey);
  }
}

async function find(manager: EntityManager, id: string): Promise<NodeEntity> {
  const node = await manager.findOneBy(NodeEntity, { id: id.toLowerCase() });
  if (!node) throw new ApiError('not-found', 'There is no node of this id.');
  return node;
}

/** What the audit log calls the difference: nothing for none. */
function actionsOf(before: NodeEntity, after: NodeEntity): string[] {
  const actions: string[] = [];
  if (JSON.stringify(before.tags) !== JSON.stringify(after.tags)) actions.push('node.tag');
  if (before.standing !== after.standing) {
    if (after.standing === 'disabled') actions.push('node.disable');
    else actions.push(before.standing === 'pending' ? 'node.approve' : 'node.enable');
  }
  return actions;
}

function factsOf({ publicKey, hostname, address, tags, standing }: NodeEntity) {
  return { public_key: publicKey, hostname, virtual_ip: formatVirtualAddress(address), tags, standing };
}

function toMessage(node: NodeEntity): NodeMessage {
  return {
    id: node.id,
    public_key: node.publicKey,
    hostname: node.hostname,
    os: node.os,
    version: node.version,
    virtual_ip: formatVirtualAddress(node.address),
    tags: node.tags,
    ephemeral: node.ephemeral,
    standing: node.standing,
    online: node.online,
    registered_at: formatTime(node.registeredAt),
    last_heartbeat: formatTime(node.lastHeartbeatAt),
  };
}

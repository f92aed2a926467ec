// Heartbeats: a node is alive, where it is now, and how its links do. And goodbyes.

import { Inject, Injectable } from '@nestjs/common';
import type { GoodbyeRequest, GoodbyeResponse, HeartbeatRequest, HeartbeatResponse } from '@shadownet/contracts';
import { type EntityManager, In } from 'typeorm';
import type { Caller } from '../auth/caller.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { ApiError } from '../http/api-error.js';
import { RelayService } from '../relay/relay.service.js';
import { MapVersions } from '../network-map/map-versions.js';
import { peerChanged, toPeer } from '../network-map/network-map.js';
import type { NodeChange } from '../network-map/node-roster.js';
import { filterCandidates, filterReflexive } from './candidate-filter.js';
import { HeartbeatPace } from './heartbeat-pace.js';
import { LinkEntity } from './link.entity.js';
import { Liveness } from './liveness.js';
import { NodeChanges } from './node-changes.js';
import { NodeEntity } from './node.entity.js';

@Injectable()
export class HeartbeatService {
  constructor(
    private readonly transactions: SignedTransactions,
    private readonly changes: NodeChanges,
    private readonly versions: MapVersions,
    private readonly liveness: Liveness,
    private readonly pace: HeartbeatPace,
    private readonly relay: RelayService,
    @Inject(CONFIG) private readonly config: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async heartbeat(caller: Caller, request: HeartbeatRequest): Promise<HeartbeatResponse> {
    const { mapVersion } = await this.transactions.run(
      caller,
      async (manager) => {
        const node = await this.#ownNode(manager, caller, request.id);
        const changes = await this.#update(manager, node, {
          endpoint: filterReflexive(request, this.config.network),
          candidates: filterCandidates(request.candidates, this.config.network),
          homeRelay: request.home_relay ?? null,
          online: true,
          lastHeartbeatAt: this.clock.wall(),
        });
        await this.#storeLinks(manager, caller.publicKey, request.peers);
        return { changes, mapVersion: await this.versions.current(manager) };
      },
      ({ changes }) => {
        this.liveness.heard(caller.publicKey);
        this.changes.publish(changes);
      },
    );
    return {
      success: true,
      heartbeat_interval_ms: this.pace.intervalMs,
      map_version: mapVersion,
      relays: this.relay.relaysFor(caller.publicKey),
      server_time: formatTime(this.clock.wall()),
    };
  }

  /** Offline at once, rather than after 120 s of silence. */
  async goodbye(caller: Caller, request: GoodbyeRequest): Promise<GoodbyeResponse> {
    await this.transactions.run(
      caller,
      async (manager) => {
        const node = await this.#ownNode(manager, caller, request.id);
        return this.#update(manager, node, { online: false });
      },
      (changes) => {
        this.liveness.left(caller.publicKey);
        this.changes.publish(changes);
      },
    );
    return { success: true };
  }

  async #ownNode(manager: EntityManager, caller: Caller, id: string): Promise<NodeEntity> {
    const node = await manager.findOneBy(NodeEntity, { id });
    if (!node) throw new ApiError('unknown-peer', 'Register first.');
    if (node.publicKey !== caller.publicKey) throw new ApiError('wrong-key');
    return node;
  }

  async #update(manager: EntityManager, node: NodeEntity, update: Partial<NodeEntity>): Promise<NodeChange[]> {
    const before = toPeer(node);
    await manager.update(NodeEntity, { publicKey: node.publicKey }, update);
    const after = manager.create(NodeEntity, { ...node, ...update });
    return peerChanged(before, toPeer(after)) ? [await this.changes.changed(manager, after)] : [];
  }

  /** Reports about keys that are not (or no longer) registered are left out. */
  async #storeLinks(manager: EntityManager, fromKey: string, reports: HeartbeatRequest['peers']): Promise<void> {
    if (reports.length === 0) return;
    const now = this.clock.wall();
    const known = await manager.find(NodeEntity, {
      select: { publicKey: true },
      where: { publicKey: In(reports.map((report) => report.public_key)) },
    });
    const registered = new Set(known.map(({ publicKey }) => publicKey));
    const links = new Map<string, Partial<LinkEntity>>();
    for (const report of reports) {
      if (!registered.has(report.public_key) || report.public_key === fromKey) continue;
      links.set(report.public_key, {
        fromKey,
        toKey: report.public_key,
        path: report.path,
        state: report.state,
        endpoint: report.endpoint,
        rttMs: report.rtt_ms,
        lastHandshakeAt: report.last_handshake_age_ms === null ? null : Math.max(0, now - report.last_handshake_age_ms),
        rxBytes: report.rx_bytes,
        txBytes: report.tx_bytes,
        reportedAt: now,
      });
    }
    if (links.size > 0) await manager.upsert(LinkEntity, [...links.values()], ['fromKey', 'toKey']);
  }
}

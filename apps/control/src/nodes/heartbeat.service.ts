// Heartbeats: a node is alive, where it is now, and how its links do. And goodbyes.

import { Inject, Injectable } from '@nestjs/common';
import type { GoodbyeRequest, GoodbyeResponse, HeartbeatRequest, HeartbeatResponse } from '@shadownet/contracts';
import type { EntityManager } from 'typeorm';
import type { Caller } from '../auth/caller.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { PathExplanations } from '../explanations/path-explanations.js';
import { ApiError } from '../http/api-error.js';
import { RelayService } from '../relay/relay.service.js';
import { peerChanged, toPeer } from '../network-map/network-map.js';
import { type NodeChange, NodeRoster } from '../network-map/node-roster.js';
import { filterCandidates, filterReflexive } from './candidate-filter.js';
import { HeartbeatBatch, type LinkRow } from './heartbeat-batch.js';
import { HeartbeatPace } from './heartbeat-pace.js';
import { Liveness } from './liveness.js';
import { NodeChanges } from './node-changes.js';
import { NodeEntity } from './node.entity.js';
import { requireMember } from './standing.js';

@Injectable()
export class HeartbeatService {
  constructor(
    private readonly transactions: SignedTransactions,
    private readonly changes: NodeChanges,
    private readonly roster: NodeRoster,
    private readonly batch: HeartbeatBatch,
    private readonly liveness: Liveness,
    private readonly pace: HeartbeatPace,
    private readonly relay: RelayService,
    private readonly explanations: PathExplanations,
    @Inject(CONFIG) private readonly config: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async heartbeat(caller: Caller, request: HeartbeatRequest): Promise<HeartbeatResponse> {
    const announced = {
      endpoint: filterReflexive(request, this.config.network),
      candidates: filterCandidates(request.candidates, this.config.network),
      homeRelay: request.home_relay ?? null,
      online: true,
    };
    const known = this.#requireOwn(this.roster.nodeById(request.id), caller);
    if (peerChanged(toPeer(known), toPeer({ ...known, ...announced })))
      await this.#announce(caller, request, announced);
    else await this.transactions.useNonce(caller);

    this.liveness.heard(caller.publicKey);
    this.batch.add(caller.publicKey, this.clock.wall(), this.#linksOf(caller.publicKey, request.peers));
    await this.explanations.store(caller.publicKey, request.explanations ?? []);
    // It may have been disabled or deleted since: it must not get a newer relay ticket than those that were revoked then.
    this.#requireOwn(this.roster.nodeById(request.id), caller);
    return {
      success: true,
      heartbeat_interval_ms: this.pace.intervalMs,
      map_version: this.roster.version,
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

  /** The node is elsewhere, or back: the others are told, so it is stored before anything is answered. */
  async #announce(caller: Caller, { id }: HeartbeatRequest, announced: Partial<NodeEntity>): Promise<void> {
    await this.transactions.run(
      caller,
      async (manager) => {
        const node = await this.#ownNode(manager, caller, id);
        return this.#update(manager, node, { ...announced, lastHeartbeatAt: this.clock.wall() });
      },
      (changes) => this.changes.publish(changes),
    );
  }

  async #ownNode(manager: EntityManager, caller: Caller, id: string): Promise<NodeEntity> {
    return this.#requireOwn(await manager.findOneBy(NodeEntity, { id }), caller);
  }

  #requireOwn(node: NodeEntity | null | undefined, caller: Caller): NodeEntity {
    if (!node) throw new ApiError('unknown-peer', 'Register first.');
    if (node.publicKey !== caller.publicKey) throw new ApiError('wrong-key');
    requireMember(node);
    return node;
  }

  async #update(manager: EntityManager, node: NodeEntity, update: Partial<NodeEntity>): Promise<NodeChange[]> {
    const before = toPeer(node);
    await manager.update(NodeEntity, { publicKey: node.publicKey }, update);
    const after = manager.create(NodeEntity, { ...node, ...update });
    return peerChanged(before, toPeer(after)) ? [await this.changes.changed(manager, after)] : [];
  }

  /** Reports about keys that are not (or no longer) registered are left out. */
  #linksOf(fromKey: string, reports: HeartbeatRequest['peers']): LinkRow[] {
    const now = this.clock.wall();
    const known = reports.filter(({ public_key: key }) => key !== fromKey && this.roster.node(key));
    return known.map((report) => ({
      toKey: report.public_key,
      path: report.path,
      state: report.state,
      endpoint: report.endpoint,
      rttMs: report.rtt_ms,
      lastHandshakeAt: report.last_handshake_age_ms === null ? null : Math.max(0, now - report.last_handshake_age_ms),
      rxBytes: report.rx_bytes,
      txBytes: report.tx_bytes,
      reportedAt: now,
    }));
  }
}

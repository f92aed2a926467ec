// Registration: a key becomes a node, or an old node comes back. The key is the identity: it keeps its address until an
// admin deletes the node, and the id is a name that it may change (a node that lost its id but not its key) as long as no other key has it.

import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { RegisterRequest, RegisterResponse } from '@shadownet/contracts';
import { formatIpPrefix, type IpAddress, type PublicKeyText, SourceRateLimiter } from '@shadownet/primitives';
import type { EntityManager } from 'typeorm';
import type { Caller } from '../auth/caller.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { ControlError } from '../control-error.js';
import { WriteQueue } from '../database/write-queue.js';
import { DeletedNodeEntity } from '../enrolment/deleted-node.entity.js';
import { JoinKeys } from '../enrolment/join-keys.js';
import { ApiError } from '../http/api-error.js';
import { ServerIdentity } from '../identity/server-identity.js';
import { MapVersions } from '../network-map/map-versions.js';
import { NetworkMapService } from '../network-map/network-map.service.js';
import { peerChanged, toPeer } from '../network-map/network-map.js';
import type { NodeChange } from '../network-map/node-roster.js';
import { RelayService } from '../relay/relay.service.js';
import { StunService } from '../stun/stun.service.js';
import { AddressPool, formatVirtualAddress } from './address-pool.js';
import { filterCandidates, filterReflexive } from './candidate-filter.js';
import { HeartbeatPace } from './heartbeat-pace.js';
import { Liveness } from './liveness.js';
import { NodeChanges } from './node-changes.js';
import { NodeEntity } from './node.entity.js';
import { requireMember } from './standing.js';

/** How often a node without an event stream fetches the whole map. */
const POLL_INTERVAL_MS = 60_000;

/** Attempts to join of each source, which may be a site of many nodes. Guesses are among them, and need 2^128 of these. */
const JOIN_LIMITS = { perSecond: 2, burst: 200, maxSources: 4096 } as const;

/** What a node has from the way that it joined. */
type Membership = Pick<NodeEntity, 'tags' | 'ephemeral' | 'standing'>;

const JOINED_OPENLY: Membership = { tags: [], ephemeral: false, standing: 'member' };

@Injectable()
export class RegistrationService implements OnModuleInit {
  readonly #pool: AddressPool;
  readonly #joinLimit = new SourceRateLimiter(JOIN_LIMITS);

  constructor(
    private readonly transactions: SignedTransactions,
    private readonly queue: WriteQueue,
    private readonly changes: NodeChanges,
    private readonly versions: MapVersions,
    private readonly maps: NetworkMapService,
    private readonly liveness: Liveness,
    private readonly pace: HeartbeatPace,
    private readonly stun: StunService,
    private readonly relay: RelayService,
    private readonly joinKeys: JoinKeys,
    private readonly identity: ServerIdentity,
    @Inject(CONFIG) private readonly config: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.#pool = new AddressPool(config.network);
  }

  /** Throws ControlError `pool-mismatch` if nodes have addresses outside the configured network. */
  async onModuleInit(): Promise<void> {
    const nodes = await this.queue.transaction((manager) => manager.find(NodeEntity, { order: { address: 'ASC' } }));
    const outside = nodes.filter(({ address }) => !this.#pool.contains(address));
    if (outside.length === 0) return;
    throw new ControlError(
      'pool-mismatch',
      `--network ${formatIpPrefix(this.config.network)} does not contain the addresses of ${outside.length} registered ` +
        `nodes, such as ${formatVirtualAddress(outside[0]!.address)}: start with the network they were registered in`,
    );
  }

  /** `source` is where the request comes from. */
  async register(caller: Caller, request: RegisterRequest, source: IpAddress): Promise<RegisterResponse> {
    if (request.public_key !== caller.publicKey) {
      throw new ApiError('wrong-key', 'public_key has to be the key that signs the request.');
    }
    const { node, mapVersion } = await this.transactions.run(
      caller,
      async (manager) => {
        const { node, changes } = await this.#store(manager, caller.publicKey, request, source);
        return { node, mapVersion: await this.versions.current(manager), changes };
      },
      ({ node, changes }) => {
        this.liveness.heard(caller.publicKey);
        if (node.standing === 'member') this.relay.admit(caller.publicKey);
        this.changes.publish(changes);
      },
    );
    // It is stored: that is how an admin learns that there is somebody to approve.
    requireMember(node);
    // It may have been disabled or deleted since: it must not get a newer relay ticket than those that were revoked then.
    this.maps.viewer(caller.publicKey);
    return this.#response(node, mapVersion);
  }

  async #store(
    manager: EntityManager,
    publicKey: PublicKeyText,
    request: RegisterRequest,
    source: IpAddress,
  ): Promise<{ node: NodeEntity; changes: NodeChange[] }> {
    const holder = await manager.findOneBy(NodeEntity, { id: request.id });
    if (holder && holder.publicKey !== request.public_key) throw new ApiError('id-taken');
    const before = holder ?? (await manager.findOneBy(NodeEntity, { publicKey }));
    if (before?.standing === 'disabled') requireMember(before);
    const { tags, ephemeral, standing } = before ?? (await this.#join(manager, publicKey, request, source));

    const now = this.clock.wall();
    const node = manager.create(NodeEntity, {
      ...{ publicKey, id: request.id, tags, ephemeral, standing },
      address: before?.address ?? (await this.#freeAddress(manager)),
      hostname: request.hostname,
      os: request.os,
      version: request.version,
      endpoint: filterReflexive(request, this.config.network),
      candidates: filterCandidates(request.candidates, this.config.network),
      homeRelay: request.home_relay ?? null,
      online: true,
      registeredAt: before?.registeredAt ?? now,
      lastHeartbeatAt: now,
    });
    await manager.save(node);

    const changes: NodeChange[] = [];
    if (before && before.id !== node.id) changes.push(await this.changes.removed(manager, node.publicKey, before.id));
    if (!before || peerChanged(toPeer(before), toPeer(node))) changes.push(await this.changes.changed(manager, node));
    return { node, changes };
  }

  /** Throws ApiError `join-key-required`, `join-key-refused`, or `rate-limited` to who tries too often. */
  async #join(
    manager: EntityManager,
    publicKey: PublicKeyText,
    { join }: RegisterRequest,
    source: IpAddress,
  ): Promise<Membership> {
    const deleted = await manager.findOneBy(DeletedNodeEntity, { publicKey });
    if (!join) {
      if (this.config.open && !deleted) return JOINED_OPENLY;
      throw new ApiError('join-key-required', 'Ask an admin for a join key.');
    }
    if (!this.#joinLimit.admit(source, this.clock.monotonic())) throw new ApiError('rate-limited');
    const { tags, ephemeral, approval } = await this.joinKeys.redeem(manager, publicKey, join, deleted);
    if (deleted) await manager.delete(DeletedNodeEntity, { publicKey });
    return { tags, ephemeral, standing: approval ? 'pending' : 'member' };
  }

  async #freeAddress(manager: EntityManager): Promise<number> {
    const address = await this.#pool.lowestFree(manager);
    if (address !== undefined) return address;
    throw new ApiError('address-pool-full', `All addresses of ${formatIpPrefix(this.config.network)} are taken.`);
  }

  #response(node: NodeEntity, mapVersion: RegisterResponse['map_version']): RegisterResponse {
    return {
      success: true,
      peer_id: node.id,
      assigned_ip: formatVirtualAddress(node.address),
      network_cidr: formatIpPrefix(this.config.network),
      server_public_key: this.identity.publicKeyText,
      stun_host: this.stun.announcedHost,
      stun_ports: this.stun.ports,
      relays: this.relay.relaysFor(node.publicKey),
      heartbeat_interval_ms: this.pace.intervalMs,
      poll_interval_ms: POLL_INTERVAL_MS,
      map_version: mapVersion,
      server_time: formatTime(this.clock.wall()),
    };
  }
}

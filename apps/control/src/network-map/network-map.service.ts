// The network map as one node may see it: whole, a page of it, or what changed since a version.

import { Inject, Injectable } from '@nestjs/common';
import type { MapDelta, MapVersion, NetworkMap, NetworkMapPage, Peer } from '@shadownet/contracts';
import { formatIpPrefix } from '@shadownet/primitives';
import { CONFIG, type ControlConfig } from '../config.js';
import { ApiError } from '../http/api-error.js';
import type { NodeEntity } from '../nodes/node.entity.js';
import { isMember, requireMember } from '../nodes/standing.js';
import { buildNetworkMap, toPeer } from './network-map.js';
import { NodeRoster } from './node-roster.js';
import { type Visibility, VISIBILITY } from './visibility.js';

@Injectable()
export class NetworkMapService {
  constructor(
    private readonly roster: NodeRoster,
    @Inject(VISIBILITY) private readonly visibility: Visibility,
    @Inject(CONFIG) private readonly config: ControlConfig,
  ) {}

  /** The node of that key. Throws ApiError `unknown-peer` if it is not registered, or what `requireMember` throws. */
  viewer(publicKey: string): NodeEntity {
    const node = this.roster.node(publicKey);
    if (!node) throw new ApiError('unknown-peer', 'Register first.');
    requireMember(node);
    return node;
  }

  mapFor(viewer: NodeEntity): NetworkMap {
    const peers = this.#visibleTo(viewer).map((node) => this.peerFor(viewer, node));
    return buildNetworkMap(peers, this.config.network, this.roster.version);
  }

  /** At most `limit` peers, those behind the address `after`. */
  pageFor(viewer: NodeEntity, limit: number, after: number): NetworkMapPage {
    const rest = this.#visibleTo(viewer).filter(({ address }) => address > after);
    const peers = rest.slice(0, limit).map((node) => this.peerFor(viewer, node));
    const page = buildNetworkMap(peers, this.config.network, this.roster.version);
    return { ...page, next: rest.length > limit ? page.peers.at(-1)!.virtual_ip : null };
  }

  /** What changed since that version; the whole map if that is not known. */
  updateFor(viewer: NodeEntity, since: MapVersion): NetworkMap | MapDelta {
    const changes = this.roster.changesSince(since);
    if (!changes) return this.mapFor(viewer);
    return {
      since,
      map_version: this.roster.version,
      network_cidr: formatIpPrefix(this.config.network),
      removed: [...changes.removed, ...changes.changed.filter(isShutOut).map(({ id }) => id)],
      changed: changes.changed.filter((node) => this.sees(viewer, node)).map((node) => this.peerFor(viewer, node)),
    };
  }

  sees(viewer: NodeEntity, node: NodeEntity): boolean {
    if (node.publicKey === viewer.publicKey || !isMember(node) || !isMember(viewer)) return false;
    return this.visibility.mayTalk(viewer, node);
  }

  /** `node` as the viewer, who sees it, is told of it. */
  peerFor(viewer: NodeEntity, node: NodeEntity): Peer {
    return toPeer(node, this.visibility.access(viewer, node));
  }

  #visibleTo(viewer: NodeEntity): NodeEntity[] {
    const visible = [...this.roster.nodes()].filter((node) => this.sees(viewer, node));
    return visible.sort((a, b) => a.address - b.address);
  }
}

/** It was a member perhaps, and is seen by nobody now. */
function isShutOut({ standing }: NodeEntity): boolean {
  return standing === 'disabled';
}

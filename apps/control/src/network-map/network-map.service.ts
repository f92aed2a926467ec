import { Inject, Injectable } from '@nestjs/common';
import type { NetworkMap } from '@shadownet/contracts';
import type { EntityManager } from 'typeorm';
import { CONFIG, type ControlConfig } from '../config.js';
import { ApiError } from '../http/api-error.js';
import { NodeEntity } from '../nodes/node.entity.js';
import { MapVersions } from './map-versions.js';
import { buildNetworkMap } from './network-map.js';
import { type Visibility, VISIBILITY } from './visibility.js';

@Injectable()
export class NetworkMapService {
  constructor(
    private readonly versions: MapVersions,
    @Inject(VISIBILITY) private readonly visibility: Visibility,
    @Inject(CONFIG) private readonly config: ControlConfig,
  ) {}

  /** The map for the node of that key. Throws ApiError `unknown-peer` if it is not registered. */
  async mapFor(manager: EntityManager, viewer: string): Promise<NetworkMap> {
    const nodes = await manager.find(NodeEntity, { order: { address: 'ASC' } });
    const self = nodes.find(({ publicKey }) => publicKey === viewer);
    if (!self) throw new ApiError('unknown-peer', 'Register first.');
    const visible = nodes.filter((node) => node !== self && this.visibility.mayTalk(self, node));
    return buildNetworkMap(visible, this.config.network, await this.versions.current(manager));
  }
}

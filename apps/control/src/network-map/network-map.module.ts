import { Module } from '@nestjs/common';
import { CurrentPolicy } from '../policy/current-policy.js';
import { MapVersions } from './map-versions.js';
import { NetworkMapController } from './network-map.controller.js';
import { NetworkMapService } from './network-map.service.js';
import { NodeRoster } from './node-roster.js';
import { VISIBILITY } from './visibility.js';

@Module({
  controllers: [NetworkMapController],
  providers: [
    MapVersions,
    NodeRoster,
    NetworkMapService,
    CurrentPolicy,
    { provide: VISIBILITY, useExisting: CurrentPolicy },
  ],
  exports: [CurrentPolicy, MapVersions, NodeRoster, NetworkMapService, VISIBILITY],
})
export class NetworkMapModule {}

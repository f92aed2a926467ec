import { Module } from '@nestjs/common';
import { MapVersions } from './map-versions.js';
import { NetworkMapController } from './network-map.controller.js';
import { NetworkMapService } from './network-map.service.js';
import { NodeRoster } from './node-roster.js';
import { everybodyTalks, VISIBILITY } from './visibility.js';

@Module({
  controllers: [NetworkMapController],
  providers: [MapVersions, NodeRoster, NetworkMapService, { provide: VISIBILITY, useValue: everybodyTalks }],
  exports: [MapVersions, NodeRoster, NetworkMapService, VISIBILITY],
})
export class NetworkMapModule {}

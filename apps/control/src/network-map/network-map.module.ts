import { Module } from '@nestjs/common';
import { MapVersions } from './map-versions.js';
import { NetworkMapController } from './network-map.controller.js';
import { NetworkMapService } from './network-map.service.js';

@Module({
  controllers: [NetworkMapController],
  providers: [MapVersions, NetworkMapService],
  exports: [MapVersions, NetworkMapService],
})
export class NetworkMapModule {}

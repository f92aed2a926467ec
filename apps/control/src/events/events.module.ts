import { Module } from '@nestjs/common';
import { NetworkMapModule } from '../network-map/network-map.module.js';
import { EventStreams } from './event-streams.js';
import { EventsController } from './events.controller.js';
import { MapBroadcast } from './map-broadcast.js';

@Module({
  imports: [NetworkMapModule],
  controllers: [EventsController],
  providers: [EventStreams, MapBroadcast],
  exports: [EventStreams, MapBroadcast],
})
export class EventsModule {}

import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { NetworkMapModule } from '../network-map/network-map.module.js';
import { CallsController } from './calls.controller.js';
import { CallsService } from './calls.service.js';

@Module({
  imports: [EventsModule, NetworkMapModule],
  controllers: [CallsController],
  providers: [CallsService],
})
export class CallsModule {}

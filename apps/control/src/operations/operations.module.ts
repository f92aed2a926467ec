import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { NetworkMapModule } from '../network-map/network-map.module.js';
import { RelayModule } from '../relay/relay.module.js';
import { StunModule } from '../stun/stun.module.js';
import { Metrics } from './metrics.js';
import { OperationsController } from './operations.controller.js';

@Module({
  imports: [EventsModule, NetworkMapModule, RelayModule, StunModule],
  controllers: [OperationsController],
  providers: [Metrics],
})
export class OperationsModule {}

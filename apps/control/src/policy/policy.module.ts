import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { NetworkMapModule } from '../network-map/network-map.module.js';
import { OwnPolicyController } from './own-policy.controller.js';
import { PolicyController } from './policy.controller.js';
import { PolicyService } from './policy.service.js';

@Module({
  imports: [NetworkMapModule, EventsModule],
  controllers: [PolicyController, OwnPolicyController],
  providers: [PolicyService],
})
export class PolicyModule {}

import { Module } from '@nestjs/common';
import { EnrolmentModule } from '../enrolment/enrolment.module.js';
import { ExplanationsModule } from '../explanations/explanations.module.js';
import { EventsModule } from '../events/events.module.js';
import { NetworkMapModule } from '../network-map/network-map.module.js';
import { RelayModule } from '../relay/relay.module.js';
import { StunModule } from '../stun/stun.module.js';
import { EphemeralNodes } from './ephemeral-nodes.js';
import { HeartbeatBatch } from './heartbeat-batch.js';
import { HeartbeatPace } from './heartbeat-pace.js';
import { HeartbeatService } from './heartbeat.service.js';
import { Liveness } from './liveness.js';
import { NodeAdministrationController } from './node-administration.controller.js';
import { NodeAdministration } from './node-administration.js';
import { NodeChanges } from './node-changes.js';
import { NodesController } from './nodes.controller.js';
import { RegistrationService } from './registration.service.js';

@Module({
  imports: [EnrolmentModule, ExplanationsModule, NetworkMapModule, EventsModule, StunModule, RelayModule],
  controllers: [NodesController, NodeAdministrationController],
  providers: [
    NodeChanges,
    Liveness,
    HeartbeatPace,
    RegistrationService,
    HeartbeatBatch,
    HeartbeatService,
    NodeAdministration,
    EphemeralNodes,
  ],
  exports: [HeartbeatBatch, HeartbeatPace],
})
export class NodesModule {}

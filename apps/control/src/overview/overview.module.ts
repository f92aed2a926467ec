import { Module } from '@nestjs/common';
import { NetworkMapModule } from '../network-map/network-map.module.js';
import { NodesModule } from '../nodes/nodes.module.js';
import { RelayModule } from '../relay/relay.module.js';
import { StunModule } from '../stun/stun.module.js';
import { OverviewController } from './overview.controller.js';
import { OverviewService } from './overview.service.js';
import { ServerInfoController } from './server-info.controller.js';

@Module({
  imports: [NetworkMapModule, NodesModule, StunModule, RelayModule],
  controllers: [OverviewController, ServerInfoController],
  providers: [OverviewService],
})
export class OverviewModule {}

// GET /api/v1/peers.

import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type NetworkMap, networkMapSchema } from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { type Caller, SignedBy } from '../auth/caller.js';
import { SignedRoutes } from '../auth/signed-routes.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { NODE_API } from '../http/routes.js';
import { NetworkMapService } from './network-map.service.js';

class NetworkMapDto extends createZodDto(networkMapSchema) {}

@ApiTags('node')
@Controller(NODE_API)
@SignedRoutes()
export class NetworkMapController {
  constructor(
    private readonly maps: NetworkMapService,
    private readonly transactions: SignedTransactions,
  ) {}

  @Get('peers')
  @ApiOperation({ summary: 'All other nodes, whether online or not' })
  @ApiOkResponse({ type: NetworkMapDto })
  peers(@SignedBy() caller: Caller): Promise<NetworkMap> {
    return this.transactions.run(caller, (manager) => this.maps.mapFor(manager, caller.publicKey));
  }
}

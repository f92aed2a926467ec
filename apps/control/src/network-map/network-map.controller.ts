// GET /api/v1/peers.

import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type NetworkMap, networkMapSchema } from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { type Caller, SignedBy } from '../auth/caller.js';
import { SignedResponseInterceptor } from '../auth/signed-response.interceptor.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { NODE_API } from '../http/routes.js';
import { NetworkMapService } from './network-map.service.js';

class NetworkMapDto extends createZodDto(networkMapSchema) {}

@ApiTags('node')
@Controller(NODE_API)
@Access('node')
@UseInterceptors(SignedResponseInterceptor)
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

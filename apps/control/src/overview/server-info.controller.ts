// GET /api/v1/server.

import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type ServerInfo, serverInfoSchema } from '@shadownet/contracts';
import { formatIpPrefix } from '@shadownet/primitives';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { API } from '../http/routes.js';
import { ServerIdentity } from '../identity/server-identity.js';
import { RelayService } from '../relay/relay.service.js';
import { StunService } from '../stun/stun.service.js';
import { VERSION } from '../version.js';

class ServerInfoDto extends createZodDto(serverInfoSchema) {}

@Controller()
@Access('anybody')
export class ServerInfoController {
  constructor(
    private readonly identity: ServerIdentity,
    private readonly stun: StunService,
    private readonly relays: RelayService,
    @Inject(CONFIG) private readonly config: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get(`${API}/server`)
  @Header('cache-control', 'no-store')
  @ApiTags('node')
  @ApiOperation({ summary: 'What a node learns before it has a relation to the server. Not signed: pin the key' })
  @ApiOkResponse({ type: ServerInfoDto })
  server(): ServerInfo {
    return {
      public_key: this.identity.publicKeyText,
      version: VERSION,
      network_cidr: formatIpPrefix(this.config.network),
      stun_host: this.stun.announcedHost,
      stun_ports: this.stun.ports,
      relays: this.relays.withoutTickets,
      server_time: formatTime(this.clock.wall()),
    };
  }
}

// GET /api/v1/overview: what the dashboard shows. Asking for it is what makes nodes report more often.

import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Overview, overviewSchema } from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { API } from '../http/routes.js';
import { HeartbeatPace } from '../nodes/heartbeat-pace.js';
import { OverviewService } from './overview.service.js';

class OverviewDto extends createZodDto(overviewSchema) {}

@ApiTags('dashboard')
@Controller(API)
@Access('viewer')
export class OverviewController {
  constructor(
    private readonly overviews: OverviewService,
    private readonly pace: HeartbeatPace,
  ) {}

  @Get('overview')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'All nodes and links' })
  @ApiOkResponse({ type: OverviewDto })
  overview(): Promise<Overview> {
    this.pace.watched();
    return this.overviews.overview();
  }
}

// GET /api/v1/events.

import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Access } from '../auth/access.js';
import { type Caller, SignedBy } from '../auth/caller.js';
import { NODE_API } from '../http/routes.js';
import { EventStreams } from './event-streams.js';

@ApiTags('node')
@Controller(NODE_API)
@Access('node')
export class EventsController {
  constructor(private readonly streams: EventStreams) {}

  @Get('events')
  @ApiOperation({ summary: 'Changes of the network map as they happen; each event is signed on its own' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'Server-sent events; the data of each is an envelope' })
  events(@SignedBy() caller: Caller, @Res() response: Response): Promise<void> {
    return this.streams.open(caller, response);
  }
}

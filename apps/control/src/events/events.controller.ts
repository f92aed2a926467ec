// GET /api/v1/events.

import { Controller, Get, Headers, Res } from '@nestjs/common';
import { parseMapVersion } from '@shadownet/contracts';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
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
  @ApiHeader({ name: 'last-event-id', required: false, description: 'The version of the map that the node has' })
  events(
    @SignedBy() caller: Caller,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    // Not signed, and need not be: the delta that follows is, and names the version that it begins at.
    return this.streams.open(caller, parseMapVersion(lastEventId ?? ''), response);
  }
}

// What supervisors and monitoring ask the server: is it alive, is it of use, and how does it do.

import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Access } from '../auth/access.js';
import { WriteQueue } from '../database/write-queue.js';
import { MapVersions } from '../network-map/map-versions.js';
import { Metrics } from './metrics.js';

@ApiTags('operation')
@Controller()
export class OperationsController {
  constructor(
    private readonly queue: WriteQueue,
    private readonly versions: MapVersions,
    private readonly metricsOfServer: Metrics,
  ) {}

  /** 200 as long as the process answers at all: a supervisor that gets nothing should start it anew. */
  @Get('livez')
  @Header('cache-control', 'no-store')
  @Access('anybody')
  @ApiOperation({ summary: 'Whether the process answers' })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 once the database answers: a load balancer may send requests here. `/healthz` is its older name. */
  @Get(['readyz', 'healthz'])
  @Header('cache-control', 'no-store')
  @Access('anybody')
  @ApiOperation({ summary: 'Whether the server and its database work' })
  async ready(): Promise<{ status: 'ok' }> {
    await this.queue.transaction((manager) => this.versions.current(manager));
    return { status: 'ok' };
  }

  @Get('metrics')
  @Header('cache-control', 'no-store')
  @Access('viewer')
  @ApiOperation({ summary: 'For Prometheus' })
  @ApiProduces('text/plain')
  async metrics(@Res() response: Response): Promise<void> {
    const text = await this.metricsOfServer.text();
    response.type(this.metricsOfServer.contentType).send(text);
  }
}

// GET /api/v1/links/{from}/{to}: why the path between two nodes is what it is, as both ends see it.

import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type LinkDetails, linkDetailsSchema } from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { API } from '../http/routes.js';
import { PathExplanations } from './path-explanations.js';

class LinkDetailsDto extends createZodDto(linkDetailsSchema) {}

@ApiTags('dashboard')
@Controller(`${API}/links`)
@Access('viewer')
export class LinksController {
  constructor(private readonly explanations: PathExplanations) {}

  @Get(':from/:to')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Why the path between two nodes is what it is, and what would change it, as both ends see it',
  })
  @ApiOkResponse({ type: LinkDetailsDto })
  link(@Param('from') from: string, @Param('to') to: string): Promise<LinkDetails> {
    return this.explanations.details([from.toLowerCase(), to.toLowerCase()]);
  }
}

// GET /api/v1/audit.

import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type AuditPage, auditPageSchema, type AuditQuery, auditQuerySchema } from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { ParsedQuery } from '../http/parsed-query.js';
import { API } from '../http/routes.js';
import { AuditLog } from './audit-log.js';

class AuditPageDto extends createZodDto(auditPageSchema) {}

@ApiTags('admin')
@Controller(API)
@Access('admin')
export class AuditController {
  constructor(private readonly log: AuditLog) {}

  @Get('audit')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Who changed what, the newest first, page by page' })
  @ApiOkResponse({ type: AuditPageDto })
  page(@ParsedQuery(auditQuerySchema) query: AuditQuery): Promise<AuditPage> {
    return this.log.page(query);
  }
}

// GET /api/v1/policy/can/own: what a node may know of the policy.

import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type CanAnswer, canAnswerSchema, type CanQuery, canQuerySchema } from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { type Caller, SignedBy } from '../auth/caller.js';
import { SignedResponseInterceptor } from '../auth/signed-response.interceptor.js';
import { ParsedQuery } from '../http/parsed-query.js';
import { API } from '../http/routes.js';
import { PolicyService } from './policy.service.js';

class CanAnswerDto extends createZodDto(canAnswerSchema) {}

@ApiTags('node')
@Controller(`${API}/policy`)
@Access('node')
@UseInterceptors(SignedResponseInterceptor)
export class OwnPolicyController {
  constructor(private readonly policies: PolicyService) {}

  @Get('can/own')
  @ApiOperation({ summary: 'The same as /policy/can, where the caller is one of the two and sees the other' })
  @ApiOkResponse({ type: CanAnswerDto })
  can(@SignedBy() caller: Caller, @ParsedQuery(canQuerySchema) query: CanQuery): Promise<CanAnswer> {
    return this.policies.canOwn(caller, query);
  }
}

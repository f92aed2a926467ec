// POST /api/v1/calls.

import { Controller, HttpCode, Post, UseInterceptors } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type CallRequest, callRequestSchema, type CallResponse, callResponseSchema } from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { type Caller, SignedBy } from '../auth/caller.js';
import { SignedResponseInterceptor } from '../auth/signed-response.interceptor.js';
import { JsonBody } from '../http/json-body.js';
import { API } from '../http/routes.js';
import { CallsService } from './calls.service.js';

class CallRequestDto extends createZodDto(callRequestSchema) {}
class CallResponseDto extends createZodDto(callResponseSchema) {}

@ApiTags('node')
@Controller(API)
@Access('node')
@UseInterceptors(SignedResponseInterceptor)
export class CallsController {
  constructor(private readonly calls: CallsService) {}

  @Post('calls')
  @HttpCode(200)
  @ApiOperation({ summary: 'Asks a peer to search for a path to the caller now: it hears of it by its event stream' })
  @ApiBody({ type: CallRequestDto })
  @ApiOkResponse({ type: CallResponseDto })
  call(@SignedBy() caller: Caller, @JsonBody(callRequestSchema) request: CallRequest): Promise<CallResponse> {
    return this.calls.call(caller, request);
  }
}

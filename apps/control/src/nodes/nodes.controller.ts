// POST /api/v1/register, /heartbeat and /goodbye.

import { Controller, HttpCode, Post, Req, UseInterceptors } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type GoodbyeRequest,
  goodbyeRequestSchema,
  type GoodbyeResponse,
  goodbyeResponseSchema,
  type HeartbeatRequest,
  heartbeatRequestSchema,
  type HeartbeatResponse,
  heartbeatResponseSchema,
  type RegisterRequest,
  registerRequestSchema,
  type RegisterResponse,
  registerResponseSchema,
} from '@shadownet/contracts';
import type { Request } from 'express';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { type Caller, SignedBy } from '../auth/caller.js';
import { SignedResponseInterceptor } from '../auth/signed-response.interceptor.js';
import { ApiError } from '../http/api-error.js';
import { clientOf } from '../http/client.js';
import { JsonBody } from '../http/json-body.js';
import { NODE_API } from '../http/routes.js';
import { HeartbeatService } from './heartbeat.service.js';
import { RegistrationService } from './registration.service.js';

class RegisterRequestDto extends createZodDto(registerRequestSchema) {}
class RegisterResponseDto extends createZodDto(registerResponseSchema) {}
class HeartbeatRequestDto extends createZodDto(heartbeatRequestSchema) {}
class HeartbeatResponseDto extends createZodDto(heartbeatResponseSchema) {}
class GoodbyeRequestDto extends createZodDto(goodbyeRequestSchema) {}
class GoodbyeResponseDto extends createZodDto(goodbyeResponseSchema) {}

@ApiTags('node')
@Controller(NODE_API)
@Access('node')
@UseInterceptors(SignedResponseInterceptor)
export class NodesController {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly heartbeats: HeartbeatService,
  ) {}

  @Post('register')
  @HttpCode(200)
  @ApiOperation({ summary: 'Makes a node known, or brings it back: the same key gets the same address' })
  @ApiBody({ type: RegisterRequestDto })
  @ApiOkResponse({ type: RegisterResponseDto })
  register(
    @SignedBy() caller: Caller,
    @JsonBody(registerRequestSchema) request: RegisterRequest,
    @Req() httpRequest: Request,
  ): Promise<RegisterResponse> {
    const { address: source } = clientOf(httpRequest);
    if (!source) throw new ApiError('unavailable');
    return this.registrations.register(caller, request, source);
  }

  @Post('heartbeat')
  @HttpCode(200)
  @ApiOperation({ summary: 'The node is alive; where it is, and how its links do' })
  @ApiBody({ type: HeartbeatRequestDto })
  @ApiOkResponse({ type: HeartbeatResponseDto })
  heartbeat(
    @SignedBy() caller: Caller,
    @JsonBody(heartbeatRequestSchema) request: HeartbeatRequest,
  ): Promise<HeartbeatResponse> {
    return this.heartbeats.heartbeat(caller, request);
  }

  @Post('goodbye')
  @HttpCode(200)
  @ApiOperation({ summary: 'The node stops on purpose' })
  @ApiBody({ type: GoodbyeRequestDto })
  @ApiOkResponse({ type: GoodbyeResponseDto })
  goodbye(
    @SignedBy() caller: Caller,
    @JsonBody(goodbyeRequestSchema) request: GoodbyeRequest,
  ): Promise<GoodbyeResponse> {
    return this.heartbeats.goodbye(caller, request);
  }
}

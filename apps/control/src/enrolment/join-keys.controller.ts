// /api/v1/join-keys: made, listed and revoked by admins.

import { Controller, Delete, Get, Header, Param, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type CreateJoinKeyRequest,
  createJoinKeyRequestSchema,
  type CreateJoinKeyResponse,
  createJoinKeyResponseSchema,
  type JoinKeyList,
  joinKeyListSchema,
  type JoinKeyMessage,
  joinKeyMessageSchema,
} from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { CalledBy, type Person } from '../auth/person.js';
import { JsonBody } from '../http/json-body.js';
import { API } from '../http/routes.js';
import { JoinKeys } from './join-keys.js';

class CreateJoinKeyRequestDto extends createZodDto(createJoinKeyRequestSchema) {}
class CreateJoinKeyResponseDto extends createZodDto(createJoinKeyResponseSchema) {}
class JoinKeyListDto extends createZodDto(joinKeyListSchema) {}
class JoinKeyDto extends createZodDto(joinKeyMessageSchema) {}

@ApiTags('admin')
@Controller(`${API}/join-keys`)
@Access('admin')
export class JoinKeysController {
  constructor(private readonly keys: JoinKeys) {}

  @Post()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Makes a join key: the answer is the only time that it is shown' })
  @ApiBody({ type: CreateJoinKeyRequestDto })
  @ApiCreatedResponse({ type: CreateJoinKeyResponseDto })
  create(
    @CalledBy() person: Person,
    @JsonBody(createJoinKeyRequestSchema) request: CreateJoinKeyRequest,
  ): Promise<CreateJoinKeyResponse> {
    return this.keys.create(person.actor, request);
  }

  @Get()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'The join keys, the newest first, without the keys themselves' })
  @ApiOkResponse({ type: JoinKeyListDto })
  list(): Promise<JoinKeyList> {
    return this.keys.list();
  }

  @Delete(':id')
  @ApiOperation({ summary: 'Revokes a join key: nobody joins by it any more, and who has joined stays' })
  @ApiOkResponse({ type: JoinKeyDto })
  revoke(@CalledBy() person: Person, @Param('id') id: string): Promise<JoinKeyMessage> {
    return this.keys.revoke(person.actor, id);
  }
}

// GET /api/v1/peers.

import { Controller, Get, Query, Res, UseInterceptors } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import {
  formatMapVersion,
  mapDeltaSchema,
  type MapUpdateMessage,
  type MapVersion,
  type NetworkMapPage,
  networkMapPageSchema,
  networkMapSchema,
  parseMapVersion,
} from '@shadownet/contracts';
import { assertNever } from '@shadownet/primitives';
import type { Response } from 'express';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { Access } from '../auth/access.js';
import { type Caller, SignedBy } from '../auth/caller.js';
import { SignedResponseInterceptor } from '../auth/signed-response.interceptor.js';
import { SignedTransactions } from '../auth/signed-transactions.js';
import { ApiError } from '../http/api-error.js';
import { NODE_API } from '../http/routes.js';
import { parseVirtualAddress } from '../nodes/address-pool.js';
import type { NodeEntity } from '../nodes/node.entity.js';
import { NetworkMapService } from './network-map.service.js';

class NetworkMapDto extends createZodDto(networkMapSchema) {}
class MapDeltaDto extends createZodDto(mapDeltaSchema) {}
class NetworkMapPageDto extends createZodDto(networkMapPageSchema) {}

const MAX_PAGE = 10_000;

const querySchema = z.object({
  since: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).optional(),
  after: z.string().optional(),
});

@ApiTags('node')
@ApiExtraModels(NetworkMapDto, MapDeltaDto, NetworkMapPageDto)
@Controller(NODE_API)
@Access('node')
@UseInterceptors(SignedResponseInterceptor)
export class NetworkMapController {
  constructor(
    private readonly maps: NetworkMapService,
    private readonly transactions: SignedTransactions,
  ) {}

  @Get('peers')
  @ApiOperation({
    summary: 'The other nodes, whether online or not: all of them, a page, or what changed since a version',
  })
  @ApiQuery({ name: 'since', required: false, description: 'A version EPOCH.SEQUENCE: answers what changed since' })
  @ApiQuery({ name: 'limit', required: false, description: `Answers pages of so many peers, up to ${MAX_PAGE}` })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the page before' })
  @ApiHeader({ name: 'if-none-match', required: false, description: 'The ETag of an older answer' })
  @ApiOkResponse({
    schema: { oneOf: [NetworkMapDto, MapDeltaDto, NetworkMapPageDto].map((dto) => ({ $ref: getSchemaPath(dto) })) },
  })
  @ApiResponse({ status: 304, description: 'The map is still of the version in If-None-Match' })
  async peers(
    @SignedBy() caller: Caller,
    @Query() query: Record<string, unknown>,
    @Res({ passthrough: true }) response: Response,
  ): Promise<MapUpdateMessage | NetworkMapPage> {
    const asked = parseQuery(query);
    this.maps.viewer(caller.publicKey);
    await this.transactions.useNonce(caller);
    const update = this.#answer(this.maps.viewer(caller.publicKey), asked);
    response.set('etag', `"${formatMapVersion(update.map_version)}"`);
    return update;
  }

  #answer(viewer: NodeEntity, asked: AskedFor): MapUpdateMessage | NetworkMapPage {
    switch (asked.kind) {
      case 'page':
        return this.maps.pageFor(viewer, asked.limit, asked.after);
      case 'since':
        return this.maps.updateFor(viewer, asked.version);
      case 'whole':
        return this.maps.mapFor(viewer);
      default:
        return assertNever(asked);
    }
  }
}

type AskedFor =
  | { readonly kind: 'whole' }
  | { readonly kind: 'since'; readonly version: MapVersion }
  | { readonly kind: 'page'; readonly limit: number; readonly after: number };

function parseQuery(query: Record<string, unknown>): AskedFor {
  const { data } = querySchema.safeParse(query);
  if (!data) throw new ApiError('invalid-body', `?since=EPOCH.SEQUENCE, or ?limit=1…${MAX_PAGE} with &after=ADDRESS`);
  if (data.since !== undefined) {
    const version = parseMapVersion(data.since);
    if (!version) throw new ApiError('invalid-body', 'since is a version, EPOCH.SEQUENCE.');
    return { kind: 'since', version };
  }
  if (data.limit === undefined) return { kind: 'whole' };
  const after = data.after === undefined ? 0 : parseVirtualAddress(data.after);
  if (after === undefined) throw new ApiError('invalid-body', 'after is the address that the page before ended at.');
  return { kind: 'page', limit: data.limit, after };
}

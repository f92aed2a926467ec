// /api/v1/nodes: seen by viewers, changed by admins.

import { Controller, Delete, Get, Header, Param, Patch } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type NodeEdit,
  nodeEditSchema,
  type NodeList,
  nodeListSchema,
  type NodeMessage,
  nodeMessageSchema,
} from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { CalledBy, type Person } from '../auth/person.js';
import { JsonBody } from '../http/json-body.js';
import { API } from '../http/routes.js';
import { NodeAdministration } from './node-administration.js';

class NodeDto extends createZodDto(nodeMessageSchema) {}
class NodeListDto extends createZodDto(nodeListSchema) {}
class NodeEditDto extends createZodDto(nodeEditSchema) {}

@ApiTags('admin')
@Controller(`${API}/nodes`)
export class NodeAdministrationController {
  constructor(private readonly nodes: NodeAdministration) {}

  @Get()
  @Access('viewer')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'All nodes, also those that wait for approval or are disabled' })
  @ApiOkResponse({ type: NodeListDto })
  list(): Promise<NodeList> {
    return this.nodes.list();
  }

  @Get(':id')
  @Access('viewer')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'One node' })
  @ApiOkResponse({ type: NodeDto })
  get(@Param('id') id: string): Promise<NodeMessage> {
    return this.nodes.get(id);
  }

  @Patch(':id')
  @Access('admin')
  @ApiOperation({ summary: 'Tags, approves, disables or enables a node' })
  @ApiBody({ type: NodeEditDto })
  @ApiOkResponse({ type: NodeDto })
  edit(
    @CalledBy() person: Person,
    @Param('id') id: string,
    @JsonBody(nodeEditSchema) edit: NodeEdit,
  ): Promise<NodeMessage> {
    return this.nodes.edit(person.actor, id, edit);
  }

  @Delete(':id')
  @Access('admin')
  @ApiOperation({ summary: 'Deletes a node: it joins again only by a join key that is made afterwards' })
  @ApiOkResponse({ type: NodeDto })
  delete(@CalledBy() person: Person, @Param('id') id: string): Promise<NodeMessage> {
    return this.nodes.delete(person.actor, id);
  }
}

// /api/v1/policy for people: reading for viewers, changing for admins.

import { Controller, Get, Header, Headers, HttpCode, Param, Post, Put, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type CanAnswer,
  canAnswerSchema,
  type CanQuery,
  canQuerySchema,
  type PolicyPreview,
  policyPreviewSchema,
  type PolicyProposal,
  policyProposalSchema,
  policyVersionParameterSchema,
  type PolicyVersions,
  policyVersionsQuerySchema,
  type PolicyVersionsQuery,
  policyVersionsSchema,
  type StoredPolicy,
  storedPolicySchema,
} from '@shadownet/contracts';
import type { Response } from 'express';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { CalledBy, type Person } from '../auth/person.js';
import { ApiError } from '../http/api-error.js';
import { JsonBody } from '../http/json-body.js';
import { ParsedQuery } from '../http/parsed-query.js';
import { API } from '../http/routes.js';
import { PolicyService } from './policy.service.js';

class StoredPolicyDto extends createZodDto(storedPolicySchema) {}
class PolicyProposalDto extends createZodDto(policyProposalSchema) {}
class PolicyPreviewDto extends createZodDto(policyPreviewSchema) {}
class PolicyVersionsDto extends createZodDto(policyVersionsSchema) {}
class CanAnswerDto extends createZodDto(canAnswerSchema) {}

const IF_MATCH = ApiHeader({
  name: 'if-match',
  description: 'The ETag of the version that is changed: "3"',
  required: true,
});

@ApiTags('policy')
@Controller(`${API}/policy`)
export class PolicyController {
  constructor(private readonly policies: PolicyService) {}

  @Get()
  @Access('viewer')
  @Header('cache-control', 'no-cache')
  @ApiOperation({ summary: 'The policy that is in force; its version is the ETag' })
  @ApiOkResponse({ type: StoredPolicyDto })
  get(@Res({ passthrough: true }) response: Response): StoredPolicy {
    return tagged(response, this.policies.get());
  }

  @Put()
  @Access('admin')
  @IF_MATCH
  @ApiOperation({ summary: 'Puts another policy in force, if its tests hold' })
  @ApiBody({ type: PolicyProposalDto })
  @ApiOkResponse({ type: StoredPolicyDto })
  async put(
    @CalledBy() person: Person,
    @Headers('if-match') ifMatch: string | undefined,
    @JsonBody(policyProposalSchema) proposal: PolicyProposal,
    @Res({ passthrough: true }) response: Response,
  ): Promise<StoredPolicy> {
    return tagged(response, await this.policies.put(proposal, { actor: person.actor, seen: versionIn(ifMatch) }));
  }

  @Post('preview')
  @Access('viewer')
  @HttpCode(200)
  @ApiOperation({ summary: 'Which links between the nodes would appear, vanish and change' })
  @ApiBody({ type: PolicyProposalDto })
  @ApiOkResponse({ type: PolicyPreviewDto })
  preview(@JsonBody(policyProposalSchema) proposal: PolicyProposal): PolicyPreview {
    return this.policies.preview(proposal);
  }

  @Get('versions')
  @Access('viewer')
  @ApiOperation({ summary: 'Who changed the policy when, the newest first, page by page' })
  @ApiOkResponse({ type: PolicyVersionsDto })
  versions(@ParsedQuery(policyVersionsQuerySchema) query: PolicyVersionsQuery): Promise<PolicyVersions> {
    return this.policies.versions(query);
  }

  @Get('versions/:version')
  @Access('viewer')
  @ApiOperation({ summary: 'The policy as it was' })
  @ApiOkResponse({ type: StoredPolicyDto })
  version(@Param('version') version: string): Promise<StoredPolicy> {
    return this.policies.version(versionParameter(version));
  }

  @Post('versions/:version/restore')
  @Access('admin')
  @HttpCode(200)
  @IF_MATCH
  @ApiOperation({ summary: 'Puts an older version in force, as a new one' })
  @ApiOkResponse({ type: StoredPolicyDto })
  async restore(
    @CalledBy() person: Person,
    @Headers('if-match') ifMatch: string | undefined,
    @Param('version') version: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<StoredPolicy> {
    const edit = { actor: person.actor, seen: versionIn(ifMatch) };
    return tagged(response, await this.policies.restore(versionParameter(version), edit));
  }

  @Get('can')
  @Access('viewer')
  @ApiOperation({ summary: 'May one node open this to another, and which rule decides' })
  @ApiOkResponse({ type: CanAnswerDto })
  can(@ParsedQuery(canQuerySchema) query: CanQuery): CanAnswer {
    return this.policies.can(query);
  }
}

function tagged(response: Response, policy: StoredPolicy): StoredPolicy {
  response.setHeader('etag', `"${policy.version}"`);
  return policy;
}

function versionIn(ifMatch: string | undefined): number {
  const match = /^"(\d{1,9})"$/.exec(ifMatch ?? '');
  if (!match) throw new ApiError('version-required');
  return Number(match[1]);
}

function versionParameter(text: string): number {
  const parsed = policyVersionParameterSchema.safeParse(text);
  if (!parsed.success) throw new ApiError('not-found');
  return parsed.data;
}

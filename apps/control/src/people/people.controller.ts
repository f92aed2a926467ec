// /api/v1/accounts and /tokens: what admins do with people and programs.

import { Controller, Delete, Get, Header, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type Account,
  type AccountChange,
  accountChangeSchema,
  type Accounts as AccountsMessage,
  accountSchema,
  accountsSchema,
  type ApiTokens as ApiTokensMessage,
  apiTokensSchema,
  type CreatedApiToken,
  createdApiTokenSchema,
  type Done,
  doneSchema,
  type NewAccount,
  newAccountSchema,
  type NewApiToken,
  newApiTokenSchema,
} from '@shadownet/contracts';
import { createZodDto } from 'nestjs-zod';
import { Access } from '../auth/access.js';
import { CalledBy, type Person } from '../auth/person.js';
import { JsonBody } from '../http/json-body.js';
import { API } from '../http/routes.js';
import { Accounts } from './accounts.js';
import { ApiTokens } from './api-tokens.js';

class AccountDto extends createZodDto(accountSchema) {}
class AccountsDto extends createZodDto(accountsSchema) {}
class NewAccountDto extends createZodDto(newAccountSchema) {}
class AccountChangeDto extends createZodDto(accountChangeSchema) {}
class ApiTokensDto extends createZodDto(apiTokensSchema) {}
class NewApiTokenDto extends createZodDto(newApiTokenSchema) {}
class CreatedApiTokenDto extends createZodDto(createdApiTokenSchema) {}
class DoneDto extends createZodDto(doneSchema) {}

@ApiTags('people')
@Controller(API)
@Access('admin')
export class PeopleController {
  constructor(
    private readonly accounts: Accounts,
    private readonly tokens: ApiTokens,
  ) {}

  @Get('accounts')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'All local accounts' })
  @ApiOkResponse({ type: AccountsDto })
  async listAccounts(): Promise<AccountsMessage> {
    return { accounts: await this.accounts.list() };
  }

  @Post('accounts')
  @HttpCode(201)
  @ApiOperation({ summary: 'Makes an account' })
  @ApiBody({ type: NewAccountDto })
  @ApiOkResponse({ type: AccountDto })
  createAccount(@CalledBy() { actor }: Person, @JsonBody(newAccountSchema) account: NewAccount): Promise<Account> {
    return this.accounts.create(actor, account);
  }

  @Patch('accounts/:name')
  @ApiOperation({ summary: 'Gives an account another role, or another password' })
  @ApiBody({ type: AccountChangeDto })
  @ApiOkResponse({ type: AccountDto })
  changeAccount(
    @CalledBy() { actor }: Person,
    @Param('name') name: string,
    @JsonBody(accountChangeSchema) change: AccountChange,
  ): Promise<Account> {
    return this.accounts.change(actor, name, change);
  }

  @Delete('accounts/:name')
  @ApiOperation({ summary: 'Removes an account, and ends its sessions' })
  @ApiOkResponse({ type: DoneDto })
  async removeAccount(@CalledBy() { actor }: Person, @Param('name') name: string): Promise<Done> {
    await this.accounts.remove(actor, name);
    return { success: true };
  }

  @Get('tokens')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'All API tokens, without their secrets' })
  @ApiOkResponse({ type: ApiTokensDto })
  async listTokens(): Promise<ApiTokensMessage> {
    return { tokens: await this.tokens.list() };
  }

  @Post('tokens')
  @HttpCode(201)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Makes an API token: the only answer that has it' })
  @ApiBody({ type: NewApiTokenDto })
  @ApiOkResponse({ type: CreatedApiTokenDto })
  createToken(
    @CalledBy() { actor }: Person,
    @JsonBody(newApiTokenSchema) token: NewApiToken,
  ): Promise<CreatedApiToken> {
    return this.tokens.create(actor, token);
  }

  @Delete('tokens/:id')
  @ApiOperation({ summary: 'Revokes an API token' })
  @ApiOkResponse({ type: DoneDto })
  async revokeToken(@CalledBy() { actor }: Person, @Param('id') id: string): Promise<Done> {
    await this.tokens.revoke(actor, id);
    return { success: true };
  }
}

import { Module } from '@nestjs/common';
import { Accounts } from './accounts.js';
import { ApiTokens } from './api-tokens.js';
import { Oidc } from './oidc.js';
import { OidcController } from './oidc.controller.js';
import { PasswordHasher } from './password-hasher.js';
import { PeopleController } from './people.controller.js';
import { PublicOrigin } from './public-origin.js';
import { SessionController } from './session.controller.js';
import { Sessions } from './sessions.js';
import { SetupLinks } from './setup-links.js';
import { SignInAttempts } from './sign-in-attempts.js';
import { SignInLimit } from './sign-in-limit.js';

@Module({
  controllers: [SessionController, PeopleController, OidcController],
  providers: [
    Accounts,
    ApiTokens,
    Oidc,
    PasswordHasher,
    PublicOrigin,
    Sessions,
    SetupLinks,
    SignInAttempts,
    SignInLimit,
  ],
  exports: [ApiTokens, Sessions],
})
export class PeopleModule {}

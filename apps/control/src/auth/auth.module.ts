import { Global, Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { KeyRing } from './key-ring.js';
import { PeopleModule } from '../people/people.module.js';
import { NonceLedger } from './nonce-ledger.js';
import { PersonCheck } from './person-check.js';
import { ResponseSigner } from './response-signer.js';
import { RouteAccess } from './route-access.js';
import { SignatureGuard } from './signature.guard.js';
import { SignedResponseInterceptor } from './signed-response.interceptor.js';
import { SignedTransactions } from './signed-transactions.js';

@Global()
@Module({
  imports: [DiscoveryModule, PeopleModule],
  providers: [
    { provide: APP_GUARD, useClass: AccessGuard },
    PersonCheck,
    RouteAccess,
    KeyRing,
    ResponseSigner,
    SignatureGuard,
    SignedResponseInterceptor,
    NonceLedger,
    SignedTransactions,
  ],
  exports: [KeyRing, ResponseSigner, SignatureGuard, SignedResponseInterceptor, SignedTransactions],
})
export class AuthModule {}

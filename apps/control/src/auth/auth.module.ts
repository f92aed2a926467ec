import { Global, Module } from '@nestjs/common';
import { KeyRing } from './key-ring.js';
import { ResponseSigner } from './response-signer.js';
import { SignatureGuard } from './signature.guard.js';
import { SignedResponseInterceptor } from './signed-response.interceptor.js';
import { SignedTransactions } from './signed-transactions.js';

@Global()
@Module({
  providers: [KeyRing, ResponseSigner, SignatureGuard, SignedResponseInterceptor, SignedTransactions],
  exports: [KeyRing, ResponseSigner, SignatureGuard, SignedResponseInterceptor, SignedTransactions],
})
export class AuthModule {}

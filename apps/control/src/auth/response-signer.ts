// Signs what goes back to a node, bound to the request that it answers.

import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type SignatureHeaders, signResponse } from '@shadownet/contracts';
import type { CryptoProvider } from '@shadownet/crypto';
import { encodeBase64 } from '@shadownet/primitives';
import { type Clock, CLOCK } from '../clock.js';
import { CRYPTO } from '../identity/identity.module.js';
import { ServerIdentity } from '../identity/server-identity.js';
import type { Caller } from './caller.js';

@Injectable()
export class ResponseSigner {
  constructor(
    @Inject(CRYPTO) private readonly crypto: CryptoProvider,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly identity: ServerIdentity,
  ) {}

  sign(caller: Caller, status: number, body: Uint8Array): SignatureHeaders {
    return signResponse(
      this.crypto,
      caller.keys.response,
      { status, body, requestSignature: caller.requestSignature },
      {
        created: Math.floor(this.clock.wall() / 1000),
        keyId: this.identity.publicKeyText,
        nonce: encodeBase64(randomBytes(16)),
      },
    );
  }
}

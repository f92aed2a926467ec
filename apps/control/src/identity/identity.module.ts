// What the whole server shares: configuration, clock, cryptography and its own key.

import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { CryptoProvider } from '@shadownet/crypto';
import { type Clock, CLOCK } from '../clock.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { SCRYPT_COST, type ScryptCost } from '../people/password-hasher.js';
import { RELAY_WORKER } from '../relay/relay-worker-file.js';
import { ServerIdentity } from './server-identity.js';

/** The injection token of the CryptoProvider. */
export const CRYPTO = Symbol('CRYPTO');

export interface Foundation {
  readonly config: ControlConfig;
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
  readonly identity: ServerIdentity;
  readonly relayWorker: URL;
  readonly passwordCost: ScryptCost;
}

@Global()
@Module({})
export class IdentityModule {
  static with({ config, clock, crypto, identity, relayWorker, passwordCost }: Foundation): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: CLOCK, useValue: clock },
      { provide: CRYPTO, useValue: crypto },
      { provide: ServerIdentity, useValue: identity },
      { provide: RELAY_WORKER, useValue: relayWorker },
      { provide: SCRYPT_COST, useValue: passwordCost },
    ];
    return { module: IdentityModule, providers, exports: providers };
  }
}

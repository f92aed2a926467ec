// The keys shared with each node, derived from X25519 once and kept for the nodes that spoke last.

import { Inject, Injectable } from '@nestjs/common';
import { type CryptoProvider, deriveLabelledKey } from '@shadownet/crypto';
import { encodePublicKey, type PublicKey, type PublicKeyText } from '@shadownet/primitives';
import { CRYPTO } from '../identity/identity.module.js';
import { ServerIdentity } from '../identity/server-identity.js';

/** 32 bytes each. */
export interface NodeKeys {
  /** Node to server. */
  readonly request: Uint8Array;
  /** Server to node. */
  readonly response: Uint8Array;
  /** Server to node. */
  readonly event: Uint8Array;
}

const MAX_REMEMBERED = 4096;

@Injectable()
export class KeyRing {
  /** In the order of last use, the oldest first. */
  readonly #known = new Map<PublicKeyText, NodeKeys>();

  constructor(
    @Inject(CRYPTO) private readonly crypto: CryptoProvider,
    private readonly identity: ServerIdentity,
  ) {}

  /** Undefined if the agreement with that key is void (a key of low order). Keys are remembered by `remember` only. */
  keysOf(node: PublicKey): NodeKeys | undefined {
    return this.#known.get(encodePublicKey(node)) ?? this.#derive(node);
  }

  /** To be called once a signature under these keys was verified: others could push the nodes' keys out. */
  remember(node: PublicKeyText, keys: NodeKeys): void {
    this.#known.delete(node);
    this.#known.set(node, keys);
    if (this.#known.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest!);
  }

  #derive(node: PublicKey): NodeKeys | undefined {
    const server = this.identity.publicKey;
    const shared = this.identity.privateKey.sharedSecret(node);
    if (!shared) return undefined;
    const keys = {
      request: deriveLabelledKey(this.crypto, shared, 'shadownet api request v1', node, server),
      response: deriveLabelledKey(this.crypto, shared, 'shadownet api response v1', server, node),
      event: deriveLabelledKey(this.crypto, shared, 'shadownet stream event v1', server, node),
    };
    shared.fill(0);
    return keys;
  }
}

// The keys shared with each node, derived from X25519 once and kept for the nodes that spoke last.

import { Inject, Injectable } from '@nestjs/common';
import { type CryptoProvider, deriveLabelledKey } from '@shadownet/crypto';
import { encodeHex, encodePublicKey, type PublicKey, type PublicKeyText } from '@shadownet/primitives';
import { CRYPTO } from '../identity/identity.module.js';
import { ServerIdentity } from '../identity/server-identity.js';

/** 32 bytes each, where not said otherwise. */
export interface NodeKeys {
  /** Node to server. */
  readonly request: Uint8Array;
  /** Server to node. */
  readonly response: Uint8Array;
  /** Server to node. */
  readonly event: Uint8Array;
  /** Node to STUN server. */
  readonly stun: Uint8Array;
  /** 16 bytes: what the node calls itself towards the STUN server, so that a watcher learns no identity. */
  readonly stunId: Uint8Array;
}

/** About 1 KB each. */
export const MAX_REMEMBERED = 16_384;
const STUN_ID_BYTES = 16;

@Injectable()
export class KeyRing {
  /** In the order of last use, the oldest first. */
  readonly #known = new Map<PublicKeyText, NodeKeys>();
  /** The STUN keys of the same nodes, by their ids in hexadecimal. */
  readonly #stunKeys = new Map<string, Uint8Array>();

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
    this.#stunKeys.set(encodeHex(keys.stunId), keys.stun);
    if (this.#known.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#known;
    this.#known.delete(oldest![0]);
    this.#stunKeys.delete(encodeHex(oldest![1].stunId));
  }

  /** The STUN key of a remembered node: a datagram of a stranger costs a look-up, and no key agreement. */
  stunKeyOf(stunId: Uint8Array): Uint8Array | undefined {
    return this.#stunKeys.get(encodeHex(stunId));
  }

  #derive(node: PublicKey): NodeKeys | undefined {
    const server = this.identity.publicKey;
    const shared = this.identity.privateKey.sharedSecret(node);
    if (!shared) return undefined;
    const keys = {
      request: deriveLabelledKey(this.crypto, shared, 'shadownet api request v1', node, server),
      response: deriveLabelledKey(this.crypto, shared, 'shadownet api response v1', server, node),
      event: deriveLabelledKey(this.crypto, shared, 'shadownet stream event v1', server, node),
      stun: deriveLabelledKey(this.crypto, shared, 'shadownet stun request v1', node, server),
      stunId: deriveLabelledKey(this.crypto, shared, 'shadownet stun id v1', node, server).slice(0, STUN_ID_BYTES),
    };
    shared.fill(0);
    return keys;
  }
}

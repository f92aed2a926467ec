// The node's place in the network and its last map, kept on disk: with it the node comes up where it was while the control
// server is away. The file is 0600 and carries a MAC under a key that only this node has, over the server's key too: what
// somebody else wrote, or what another server said, is not taken.
//
//   base64 of HMAC-SHA256(key, server's public key ‖ JSON) LF JSON

import { type NetworkMap, networkMapSchema, type RegisterResponse, registerResponseSchema } from '@shadownet/contracts';
import type { CryptoProvider } from '@shadownet/crypto';
import {
  concatBytes,
  decodeBase64,
  durationBetween,
  encodeBase64,
  encodeUtf8,
  type Instant,
  type PublicKey,
  seconds,
} from '@shadownet/primitives';
import type { StateDirectory } from './state-directory.js';

export interface StoredNetwork {
  readonly registration: RegisterResponse;
  readonly map: NetworkMap;
}

export interface NetworkStoreOptions {
  readonly crypto: CryptoProvider;
  readonly state: StateDirectory;
  /** 32 bytes, from `storedNetworkKey`. */
  readonly key: Uint8Array;
  readonly serverKey: PublicKey;
  readonly now: () => Instant;
  /** The file cannot be written: the node goes on without. */
  readonly onUnwritable: (error: Error) => void;
}

/** A map that changes all the time is written this often; what is missing then comes as a delta. */
const WRITE_INTERVAL = seconds(10);

/** 32 bytes: HMAC-SHA256(private key, label). `privateKey` is 32 bytes and stays the caller's. */
export function storedNetworkKey(crypto: CryptoProvider, privateKey: Uint8Array): Uint8Array {
  return crypto.hmacSha256(privateKey, encodeUtf8('shadownet stored network v1'));
}

export class NetworkStore {
  readonly #options: NetworkStoreOptions;
  #waiting: StoredNetwork | undefined;
  #writtenAt: Instant | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: NetworkStoreOptions) {
    this.#options = options;
  }

  /** What was remembered last; undefined if there is nothing, or it is not this node's from this server. */
  load(): StoredNetwork | undefined {
    const { crypto, state } = this.#options;
    const file = state.storedNetwork;
    const lineEnd = file?.indexOf('\n') ?? -1;
    if (file === undefined || lineEnd === -1) return undefined;
    const text = file.slice(lineEnd + 1);
    const mac = decodeBase64(file.slice(0, lineEnd));
    if (!mac || !crypto.equal(mac, this.#macOf(text))) return undefined;
    const { registration, map } = JSON.parse(text) as Record<string, unknown>;
    const parsed = [registerResponseSchema.safeParse(registration), networkMapSchema.safeParse(map)] as const;
    if (!parsed[0].success || !parsed[1].success) return undefined;
    return { registration: parsed[0].data, map: parsed[1].data };
  }

  /** Writes it now, or once WRITE_INTERVAL has passed since the last time. */
  remember(network: StoredNetwork): void {
    this.#waiting = network;
    if (this.#timer) return;
    const { now } = this.#options;
    const since = this.#writtenAt === undefined ? WRITE_INTERVAL : durationBetween(this.#writtenAt, now());
    if (since >= WRITE_INTERVAL) this.flush();
    else this.#timer = setTimeout(() => this.flush(), WRITE_INTERVAL - since);
  }

  /** Writes what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#waiting) return;
    // Tickets live for an hour, and are secrets until then.
    const { relays, ...registration } = this.#waiting.registration;
    const withoutTickets = { ...registration, relays: relays.map((relay) => ({ ...relay, ticket: null })) };
    const text = JSON.stringify({ registration: withoutTickets, map: this.#waiting.map });
    this.#waiting = undefined;
    this.#writtenAt = this.#options.now();
    try {
      this.#options.state.storeNetwork(`${encodeBase64(this.#macOf(text))}\n${text}`);
    } catch (error) {
      this.#options.onUnwritable(error as Error);
    }
  }

  #macOf(text: string): Uint8Array {
    const { crypto, key, serverKey } = this.#options;
    return crypto.hmacSha256(key, concatBytes(serverKey, encodeUtf8(text)));
  }
}

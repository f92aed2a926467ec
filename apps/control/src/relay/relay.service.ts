// The relay that comes with the control server, in a thread of its own, and the tickets for those that stand alone. It admits the
// nodes that are registered: from the database at the start, and each new one before it gets its answer.

import { join } from 'node:path';
import { Inject, Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Relay } from '@shadownet/contracts';
import { type CryptoProvider, Ed25519Signer, loadKeyFile } from '@shadownet/crypto';
import {
  encodeBase64,
  encodePublicKey,
  formatIpAddress,
  parsePublicKey,
  publicKeyFromBytes,
} from '@shadownet/primitives';
import { issueRevocation, issueTicket } from '@shadownet/relay';
import { RELAY_PATH, RelayHost, RelayHostError, type RelayHostCounters, RelayWebSockets } from '@shadownet/relayhost';
import { type Clock, CLOCK } from '../clock.js';
import { CONFIG, type ControlConfig, EMBEDDED_RELAY } from '../config.js';
import { ControlError } from '../control-error.js';
import { WriteQueue } from '../database/write-queue.js';
import { CRYPTO } from '../identity/identity.module.js';
import { NodeEntity } from '../nodes/node.entity.js';
import { RelayRevocations } from './relay-revocations.js';
import { RELAY_WORKER } from './relay-worker-file.js';

const TICKET_SECONDS = 3600;
/** A ticket is given out again while at least so much of its time is left. */
const RENEW_BELOW_SECONDS = 2400;
const MAX_TICKETS = 65_536;
/** What the network is called between this process and its own relay. */
const NETWORK = 'control';

interface Ticket {
  readonly text: string;
  readonly expiresAt: number;
}

@Injectable()
export class RelayService implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger(RelayService.name);
  readonly #signer: Ed25519Signer;
  readonly #tickets = new Map<string, Ticket>();
  readonly #revocations: RelayRevocations;
  #embedded: { readonly host: RelayHost; readonly sockets: RelayWebSockets; readonly description: Relay } | undefined;

  constructor(
    private readonly queue: WriteQueue,
    private readonly http: HttpAdapterHost,
    @Inject(CONFIG) private readonly config: ControlConfig,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CRYPTO) private readonly crypto: CryptoProvider,
    @Inject(RELAY_WORKER) private readonly workerEntry: URL,
  ) {
    const seed = loadKeyFile(join(config.dataDir, 'ticket.key'));
    this.#signer = new Ed25519Signer(seed);
    seed.fill(0);
    this.#revocations = new RelayRevocations({
      relays: config.relays,
      wallSeconds: () => this.#wallSeconds(),
      onFailed: (relay, error) => this.#logger.warn({ event: 'relay-not-told', relay, error }),
    });
  }

  async onModuleInit(): Promise<void> {
    if (!this.config.relay) return;
    const privateKey = loadKeyFile(join(this.config.dataDir, 'relay.key'));
    const publicKey = publicKeyFromBytes(this.crypto.privateKey(privateKey).publicKey)!;
    const host = await this.#start(privateKey, this.config.relay.port);
    const sockets = new RelayWebSockets(this.http.httpAdapter.getHttpServer(), host);
    const description: Relay = {
      ...{ id: EMBEDDED_RELAY, public_key: encodePublicKey(publicKey), host: null, ticket: null },
      udp_port: host.udp?.port ?? null,
      websocket_url: RELAY_PATH,
    };
    this.#embedded = { host, sockets, description };
    const nodes = await this.queue.transaction((manager) =>
      manager.find(NodeEntity, { select: { publicKey: true }, where: { standing: 'member' } }),
    );
    host.admit(nodes.map((node) => node.publicKey));
  }

  /** The UDP port of the relay in this process, if there is one. */
  get port(): number | undefined {
    return this.#embedded?.host.udp?.port;
  }

  /** Base64 of the Ed25519 key by which relays that stand alone check tickets. */
  get ticketKey(): string {
    return encodeBase64(this.#signer.publicKey);
  }

  /** A node that has been registered. */
  admit(publicKey: string): void {
    this.#embedded?.host.admit([publicKey]);
  }

  /** A node that is registered or enabled no more: no relay carries for it from now on. Base64 of its key. */
  revoke(publicKey: string): void {
    this.#embedded?.host.revoke([publicKey]);
    this.#tickets.delete(publicKey);
    const ticketsUntil = this.#wallSeconds() + TICKET_SECONDS;
    const revocation = issueRevocation(this.#signer, parsePublicKey(publicKey)!, ticketsUntil);
    this.#revocations.add(publicKey, revocation, ticketsUntil);
  }

  /** All relays, with what the node of that key needs to use them. */
  relaysFor(publicKey: string): Relay[] {
    const embedded = this.#embedded ? [this.#embedded.description] : [];
    if (this.config.relays.length === 0) return embedded;
    const ticket = this.#ticketFor(publicKey);
    return [...embedded, ...this.config.relays.map((relay) => ({ ...relay, ticket }))];
  }

  /** All relays, for whoever asks where they are. */
  get withoutTickets(): Relay[] {
    const embedded = this.#embedded ? [this.#embedded.description] : [];
    return [...embedded, ...this.config.relays.map((relay) => ({ ...relay, ticket: null }))];
  }

  counters(): Promise<RelayHostCounters> | undefined {
    return this.#embedded?.host.counters();
  }

  /** Before the HTTP server closes, which waits for its connections. */
  async onModuleDestroy(): Promise<void> {
    await this.#revocations.close();
    if (!this.#embedded) return;
    const { host, sockets } = this.#embedded;
    await host.close();
    sockets.close();
  }

  async #start(privateKey: Uint8Array, port: number): Promise<RelayHost> {
    const address = formatIpAddress(this.config.listen.address);
    try {
      return await RelayHost.start({
        ...{ privateKey, network: NETWORK, ticketKeys: [], limits: {}, workerEntry: this.workerEntry },
        udp: { address, port, kind: 'best' },
        onFailed: (error) => this.#onFailed(error),
      });
    } catch (error) {
      if (!(error instanceof RelayHostError)) throw error;
      const what = `relay on UDP ${address}:${port}: ${error.message}; choose another --relay-port, or --no-relay`;
      throw new ControlError('address-in-use', what, { cause: error });
    }
  }

  /** The rest of the server goes on, and nodes are told of this relay no more. */
  #onFailed(error: RelayHostError): void {
    this.#logger.error({ event: 'relay-failed', error: error.message });
    this.#embedded?.sockets.close();
    this.#embedded = undefined;
  }

  #wallSeconds(): number {
    return Math.floor(this.clock.wall() / 1000);
  }

  #ticketFor(publicKey: string): string {
    const now = this.#wallSeconds();
    const known = this.#tickets.get(publicKey);
    if (known && known.expiresAt - now >= RENEW_BELOW_SECONDS) return known.text;
    // A node that was revoked and is back: later than what the revocation voids.
    const expiresAt = Math.max(now + TICKET_SECONDS, this.#revocations.ticketsUntil(publicKey) + 1);
    const text = encodeBase64(issueTicket(this.#signer, parsePublicKey(publicKey)!, expiresAt));
    this.#tickets.delete(publicKey);
    this.#tickets.set(publicKey, { text, expiresAt });
    if (this.#tickets.size > MAX_TICKETS) {
      const [oldest] = this.#tickets.keys();
      this.#tickets.delete(oldest!);
    }
    return text;
  }
}

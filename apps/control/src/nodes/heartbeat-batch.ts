// What heartbeats say, on its way to the database: when each node was heard last, and how its links do. It is written every
// two seconds, some hundred rows at a time, so that a heartbeat costs no transaction. A crash loses the last two seconds of
// it, which the next heartbeats bring again; what a heartbeat changes in the network map never waits here.

import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { EntityManager } from 'typeorm';
import { WriteQueue } from '../database/write-queue.js';
import { NodeRoster } from '../network-map/node-roster.js';
import { LinkEntity } from './link.entity.js';
import { NodeEntity } from './node.entity.js';

const FLUSH_INTERVAL_MS = 2_000;
/** Nodes per transaction: what else waits comes in between. */
const CHUNK = 200;

export type LinkRow = Omit<LinkEntity, 'fromKey'>;

interface Heard {
  readonly publicKey: string;
  readonly at: number;
  /** By the key of the peer. */
  readonly links: Map<string, LinkRow>;
}

@Injectable()
export class HeartbeatBatch implements BeforeApplicationShutdown {
  readonly #logger = new Logger(HeartbeatBatch.name);
  #heard = new Map<string, Heard>();
  #flushing: Promise<void> = Promise.resolve();

  constructor(
    private readonly queue: WriteQueue,
    private readonly roster: NodeRoster,
  ) {}

  add(publicKey: string, at: number, links: readonly LinkRow[]): void {
    const known = this.#heard.get(publicKey)?.links ?? new Map<string, LinkRow>();
    for (const link of links) known.set(link.toKey, link);
    this.#heard.set(publicKey, { publicKey, at, links: known });
  }

  /** Resolves once everything that was added before is in the database, or could not be written. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  @Interval(FLUSH_INTERVAL_MS)
  async flushOften(): Promise<void> {
    if (!this.queue.closed) await this.flush();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.flush();
  }

  async #write(): Promise<void> {
    const heard = [...this.#heard.values()];
    this.#heard = new Map();
    for (let at = 0; at < heard.length; at += CHUNK) {
      const chunk = heard.slice(at, at + CHUNK);
      try {
        await this.queue.transaction((manager) => this.#store(manager, chunk), undefined, 'kill');
      } catch (error) {
        this.#logger.error(error);
        // To be written with the next ones, unless there is newer.
        for (const each of chunk) if (!this.#heard.has(each.publicKey)) this.#heard.set(each.publicKey, each);
      }
    }
  }

  async #store(manager: EntityManager, chunk: readonly Heard[]): Promise<void> {
    const nodes = manager.connection.getMetadata(NodeEntity).tablePath;
    const rows = chunk.map((_, at) => `($${2 * at + 1}, $${2 * at + 2})`).join(', ');
    const values = chunk.flatMap(({ publicKey, at }) => [publicKey, String(at)]);
    // Both databases call the columns of VALUES so.
    await manager.query(
      `UPDATE ${nodes} SET last_heartbeat_at = CAST(heard.column2 AS bigint)
       FROM (VALUES ${rows}) AS heard WHERE ${nodes}.public_key = heard.column1`,
      values,
    );
    const links = chunk.flatMap(({ publicKey: fromKey, links }) =>
      [...links.values()].map((link) => ({ fromKey, ...link })),
    );
    const known = links.filter(({ fromKey, toKey }) => this.roster.node(fromKey) && this.roster.node(toKey));
    if (known.length > 0) await manager.upsert(LinkEntity, known, ['fromKey', 'toKey']);
  }
}

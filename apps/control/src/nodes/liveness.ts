// Who is offline: a node that was not heard for 120 s. It is a flag; nothing is ever removed for it. Silence is measured on
// the monotonic clock from the server's own start at the earliest, so that an outage of the server, or a jump of its wall
// clock, marks nobody.

import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { durationBetween, type Instant, seconds } from '@shadownet/primitives';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { EventStreams } from '../events/event-streams.js';
import type { NodeChange } from '../network-map/node-roster.js';
import { NodeChanges } from './node-changes.js';
import { NodeEntity } from './node.entity.js';

export const OFFLINE_AFTER = seconds(120);

const SWEEP_INTERVAL_MS = 2_000;

@Injectable()
export class Liveness implements OnModuleInit {
  /** When each node that counts as online was heard last, by public key. */
  readonly #heardAt = new Map<string, Instant>();

  constructor(
    private readonly queue: WriteQueue,
    private readonly changes: NodeChanges,
    private readonly streams: EventStreams,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Who was online when the server stopped gets 120 s from now. */
  async onModuleInit(): Promise<void> {
    const online = await this.queue.transaction((manager) => manager.findBy(NodeEntity, { online: true }));
    for (const { publicKey } of online) this.heard(publicKey);
  }

  /** That node was stored as online, because it spoke. */
  heard(publicKey: string): void {
    this.#heardAt.set(publicKey, this.clock.monotonic());
  }

  /** That node was stored as offline. */
  left(publicKey: string): void {
    this.#heardAt.delete(publicKey);
  }

  @Interval(SWEEP_INTERVAL_MS)
  async sweep(): Promise<void> {
    if (this.queue.closed || ![...this.#heardAt.keys()].some((publicKey) => this.#isSilent(publicKey))) return;
    await this.queue.transaction(
      async (manager) => {
        // Asked again, now that everything queued before is done: a heartbeat may have been among it.
        const silent = [...this.#heardAt.keys()].filter((publicKey) => this.#isSilent(publicKey));
        const changes: NodeChange[] = [];
        for (const publicKey of silent) {
          const node = await manager.findOneBy(NodeEntity, { publicKey });
          // Disabled or deleted while a heartbeat of it was being answered.
          if (!node?.online) continue;
          await manager.update(NodeEntity, { publicKey }, { online: false });
          changes.push(await this.changes.changed(manager, manager.create(NodeEntity, { ...node, online: false })));
        }
        return { silent, changes };
      },
      ({ silent, changes }) => {
        for (const publicKey of silent) {
          this.left(publicKey);
          // Its far end is gone without a word: TCP would hold on to it for a quarter of an hour more.
          this.streams.end(publicKey);
        }
        this.changes.publish(changes);
      },
    );
  }

  #isSilent(publicKey: string): boolean {
    const heardAt = this.#heardAt.get(publicKey);
    return heardAt !== undefined && durationBetween(heardAt, this.clock.monotonic()) >= OFFLINE_AFTER;
  }
}

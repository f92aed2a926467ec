// Who is offline: a node that was not heard for 120 s. It is a flag; nothing is ever removed for it. Silence is measured on
// the monotonic clock from the server's own start at the earliest, so that an outage of the server, or a jump of its wall
// clock, marks nobody.

import { Inject, Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { durationBetween, type Instant, seconds } from '@shadownet/primitives';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { type NodeChange, NodeChanges } from './node-changes.js';
import { NodeEntity } from './node.entity.js';

export const OFFLINE_AFTER = seconds(120);

const SWEEP_INTERVAL_MS = 2_000;

@Injectable()
export class Liveness {
  readonly #startedAt: Instant;
  /** By public key. Holds registered nodes only. */
  readonly #heardAt = new Map<string, Instant>();

  constructor(
    private readonly queue: WriteQueue,
    private readonly changes: NodeChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.#startedAt = clock.monotonic();
  }

  /** A request of that registered node was handled. */
  heard(publicKey: string): void {
    this.#heardAt.set(publicKey, this.clock.monotonic());
  }

  @Interval(SWEEP_INTERVAL_MS)
  async sweep(): Promise<void> {
    if (this.queue.closed || durationBetween(this.#startedAt, this.clock.monotonic()) < OFFLINE_AFTER) return;
    await this.queue.transaction(
      async (manager) => {
        const changes: NodeChange[] = [];
        for (const node of await manager.findBy(NodeEntity, { online: true })) {
          if (!this.#isSilent(node.publicKey)) continue;
          await manager.update(NodeEntity, { publicKey: node.publicKey }, { online: false });
          changes.push(await this.changes.changed(manager, manager.create(NodeEntity, { ...node, online: false })));
        }
        return changes;
      },
      (changes) => this.changes.publish(changes),
    );
  }

  #isSilent(publicKey: string): boolean {
    const since = this.#heardAt.get(publicKey) ?? this.#startedAt;
    return durationBetween(since, this.clock.monotonic()) >= OFFLINE_AFTER;
  }
}

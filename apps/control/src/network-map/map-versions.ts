// The version of the network map. The sequence rises with each change, in the transaction that makes it. Each start of the
// server opens a new epoch, no lower than the Unix time in seconds: a database restored from a backup is thereby newer than
// everything that nodes have seen from the one that was lost.

import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { MapVersion } from '@shadownet/contracts';
import type { EntityManager } from 'typeorm';
import { type Clock, CLOCK } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { NetworkStateEntity } from './network-state.entity.js';

const ROW = { id: 1 } as const;

@Injectable()
export class MapVersions implements OnModuleInit {
  constructor(
    private readonly queue: WriteQueue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.queue.transaction(async (manager) => {
      const last = await manager.findOneBy(NetworkStateEntity, ROW);
      const epoch = Math.max((last?.epoch ?? 0) + 1, Math.floor(this.clock.wall() / 1000));
      await manager.save(NetworkStateEntity, { ...ROW, epoch, sequence: last?.sequence ?? 0 });
    });
  }

  async current(manager: EntityManager): Promise<MapVersion> {
    const { epoch, sequence } = await manager.findOneByOrFail(NetworkStateEntity, ROW);
    return { epoch, sequence };
  }

  /** To be called once per change, in its transaction. */
  async advance(manager: EntityManager): Promise<MapVersion> {
    await manager.increment(NetworkStateEntity, ROW, 'sequence', 1);
    return this.current(manager);
  }
}

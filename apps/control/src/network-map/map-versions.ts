// The version of the network map. The sequence rises with each change, in the transaction that makes it. Each start of the
// server opens a new epoch, no lower than the Unix time in seconds: a database restored from a backup is thereby newer than
// everything that nodes have seen from the one that was lost.

import { Inject, Injectable } from '@nestjs/common';
import type { MapVersion } from '@shadownet/contracts';
import { type EntityManager, LessThan } from 'typeorm';
import { type Clock, CLOCK } from '../clock.js';
import { MapEpochEntity } from './map-epoch.entity.js';
import { NetworkStateEntity } from './network-state.entity.js';

const ROW = { id: 1 } as const;

/** A node that comes back with a version from before these starts of the server gets the whole map. */
const REMEMBERED_EPOCHS = 1000;

@Injectable()
export class MapVersions {
  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  /** Opens a new epoch. To be called once per start. */
  async open(manager: EntityManager): Promise<void> {
    const last = await manager.findOneBy(NetworkStateEntity, ROW);
    const epoch = Math.max((last?.epoch ?? 0) + 1, Math.floor(this.clock.wall() / 1000));
    const sequence = last?.sequence ?? 0;
    await manager.save(NetworkStateEntity, { ...ROW, epoch, sequence, oldestSequence: last?.oldestSequence ?? 0 });
    await manager.insert(MapEpochEntity, { epoch, firstSequence: sequence });
    const [oldest] = await manager.find(MapEpochEntity, { order: { epoch: 'DESC' }, skip: REMEMBERED_EPOCHS, take: 1 });
    if (oldest) await manager.delete(MapEpochEntity, { epoch: LessThan(oldest.epoch + 1) });
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

  /** What the database knows of older versions, with the newest one. */
  async history(manager: EntityManager): Promise<MapHistory> {
    const { epoch, sequence, oldestSequence } = await manager.findOneByOrFail(NetworkStateEntity, ROW);
    const epochs = await manager.find(MapEpochEntity, { order: { epoch: 'ASC' } });
    return { version: { epoch, sequence }, oldestSequence, epochs };
  }

  /** Versions before this one cannot be told the difference to any more. */
  async forgetBefore(manager: EntityManager, sequence: number): Promise<void> {
    await manager.update(NetworkStateEntity, ROW, { oldestSequence: sequence });
  }
}

export interface MapHistory {
  readonly version: MapVersion;
  readonly oldestSequence: number;
  /** In ascending order. */
  readonly epochs: readonly MapEpochEntity[];
}

/**
 * True if a map of that version was one of this very database, so that all changes since are known. It was not if a backup
 * was restored since: the epoch that the version is of has ended earlier in this database's past, or never was.
 */
export function isOfThisPast({ version, oldestSequence, epochs }: MapHistory, asked: MapVersion): boolean {
  const at = epochs.findIndex(({ epoch }) => epoch === asked.epoch);
  if (at === -1 || asked.sequence < oldestSequence) return false;
  const end = epochs[at + 1]?.firstSequence ?? version.sequence;
  return asked.sequence >= epochs[at]!.firstSequence && asked.sequence <= end;
}

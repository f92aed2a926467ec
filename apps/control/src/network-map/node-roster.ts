// All nodes in memory, as committed, with the change log of the map: so that neither a heartbeat nor a node that comes back
// costs a query, and a change costs what it changes. NodeChanges keeps it in step with the database.

import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { MapVersion } from '@shadownet/contracts';
import type { EntityManager } from 'typeorm';
import { WriteQueue } from '../database/write-queue.js';
import { NodeEntity } from '../nodes/node.entity.js';
import { isOfThisPast, type MapHistory, MapVersions } from './map-versions.js';
import { RemovedNodeEntity } from './removed-node.entity.js';

/** A committed change of the map. */
export type NodeChange =
  | {
      readonly kind: 'changed';
      readonly version: MapVersion;
      readonly node: NodeEntity;
      /** The policy sees another node in it than before: what its own map was is no longer a matter of changes since. */
      readonly endsHistory: boolean;
    }
  /** The key is no longer known under `id`. */
  | { readonly kind: 'removed'; readonly version: MapVersion; readonly publicKey: string; readonly id: string };

export interface ChangedSince {
  readonly changed: readonly NodeEntity[];
  /** Ids. */
  readonly removed: readonly string[];
}

interface LogEntry {
  readonly sequence: number;
  readonly id: string;
}

const MAX_STALE_ENTRIES = 4096;

@Injectable()
export class NodeRoster implements OnModuleInit {
  readonly #byKey = new Map<string, NodeEntity>();
  readonly #byId = new Map<string, NodeEntity>();
  /** In ascending order; an id may be in it several times. */
  #log: LogEntry[] = [];
  #history: MapHistory = { version: { epoch: 0, sequence: 0 }, oldestSequence: 0, epochs: [] };

  constructor(
    private readonly queue: WriteQueue,
    private readonly versions: MapVersions,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.queue.transaction(async (manager) => {
      await this.versions.open(manager);
      await this.#load(manager);
    });
  }

  /** The newest version of the map. */
  get version(): MapVersion {
    return this.#history.version;
  }

  /** Not to be changed: NodeChanges replaces what is in here. */
  node(publicKey: string): NodeEntity | undefined {
    return this.#byKey.get(publicKey);
  }

  nodeById(id: string): NodeEntity | undefined {
    return this.#byId.get(id);
  }

  nodes(): IterableIterator<NodeEntity> {
    return this.#byKey.values();
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Takes over what was committed; in the order of the versions. Returns the node as it was before. */
  apply(change: NodeChange): NodeEntity | undefined {
    const id = change.kind === 'changed' ? change.node.id : change.id;
    const before = this.#byKey.get(change.kind === 'changed' ? change.node.publicKey : change.publicKey);
    if (change.kind === 'changed') {
      if (before && before.id !== id) this.#forgetId(before);
      this.#byKey.set(change.node.publicKey, change.node);
      this.#byId.set(id, change.node);
    } else if (before?.id === id) {
      this.#byKey.delete(change.publicKey);
      this.#forgetId(before);
    }
    this.#history = { ...this.#history, version: change.version };
    if (change.kind === 'changed' && change.endsHistory) this.endHistory(change.version);
    this.#log.push({ sequence: change.version.sequence, id });
    if (this.#log.length > 2 * this.#byKey.size + MAX_STALE_ENTRIES) this.#compact();
    return before;
  }

  /** Who may see whom has changed, in this version: whoever has an older one needs the whole map. */
  endHistory(version: MapVersion): void {
    this.#history = { ...this.#history, version, oldestSequence: version.sequence };
  }

  /** What changed after that version; undefined if that is not known. */
  changesSince(version: MapVersion): ChangedSince | undefined {
    if (!isOfThisPast(this.#history, version)) return undefined;
    const ids = new Set<string>();
    for (let at = this.#log.length - 1; at >= 0 && this.#log[at]!.sequence > version.sequence; at--) {
      ids.add(this.#log[at]!.id);
    }
    const changed: NodeEntity[] = [];
    const removed: string[] = [];
    for (const id of ids) {
      const node = this.#byId.get(id);
      if (node) changed.push(node);
      else removed.push(id);
    }
    return { changed, removed };
  }

  async #load(manager: EntityManager): Promise<void> {
    this.#history = await this.versions.history(manager);
    const log: LogEntry[] = [];
    for (const node of await manager.find(NodeEntity, { order: { address: 'ASC' } })) {
      this.#byKey.set(node.publicKey, node);
      this.#byId.set(node.id, node);
      log.push({ sequence: node.changedSequence, id: node.id });
    }
    for (const { id, changedSequence } of await manager.find(RemovedNodeEntity)) {
      log.push({ sequence: changedSequence, id });
    }
    this.#log = log.sort((a, b) => a.sequence - b.sequence);
  }

  #forgetId(node: NodeEntity): void {
    if (this.#byId.get(node.id) === node) this.#byId.delete(node.id);
  }

  /** Keeps the last entry of each id. */
  #compact(): void {
    const last = new Map<string, LogEntry>();
    for (const entry of this.#log) {
      last.delete(entry.id);
      last.set(entry.id, entry);
    }
    this.#log = [...last.values()];
  }
}

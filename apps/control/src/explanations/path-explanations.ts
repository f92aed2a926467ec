// Keeps what each end of a link said last of why its path is what it is, and puts it into words.

import { Inject, Injectable } from '@nestjs/common';
import type { ExplanationReport, LinkDetails, ShownExplanation } from '@shadownet/contracts';
import { explanationWords, natWords } from '@shadownet/paths';
import { type EntityManager, In } from 'typeorm';
import { type Clock, CLOCK, formatTime } from '../clock.js';
import { WriteQueue } from '../database/write-queue.js';
import { ApiError } from '../http/api-error.js';
import { NodeEntity } from '../nodes/node.entity.js';
import { PathExplanationEntity } from './path-explanation.entity.js';

@Injectable()
export class PathExplanations {
  constructor(
    private readonly queue: WriteQueue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Rare: only what changed is told. Reports about keys that are not (or no longer) registered are left out. */
  async store(fromKey: string, reports: readonly ExplanationReport[]): Promise<void> {
    if (reports.length === 0) return;
    const reportedAt = this.clock.wall();
    await this.queue.transaction(async (manager) => {
      const keys = [fromKey, ...reports.map((report) => report.public_key)];
      const known = await manager.find(NodeEntity, { select: { publicKey: true }, where: { publicKey: In(keys) } });
      const registered = new Set(known.map(({ publicKey }) => publicKey));
      if (!registered.has(fromKey)) return;
      const rows = new Map<string, Partial<PathExplanationEntity>>();
      for (const { public_key: toKey, explanation } of reports) {
        if (registered.has(toKey) && toKey !== fromKey) rows.set(toKey, { fromKey, toKey, explanation, reportedAt });
      }
      if (rows.size > 0) await manager.upsert(PathExplanationEntity, [...rows.values()], ['fromKey', 'toKey']);
    });
  }

  /** Of two nodes by their ids, each as it sees the other. Throws ApiError `not-found`. */
  details(ids: readonly [string, string]): Promise<LinkDetails> {
    return this.queue.transaction(async (manager) => {
      const nodes = await manager.find(NodeEntity, { where: { id: In([...ids]) } });
      const [from, to] = ids.map((id) => nodes.find((node) => node.id === id));
      if (!from || !to || from === to) throw new ApiError('not-found', 'No two nodes have these ids.');
      const ends = [
        await this.#end(manager, from, to.publicKey),
        await this.#end(manager, to, from.publicKey),
      ] satisfies LinkDetails['ends'];
      return { ends: [ends[0]!, ends[1]!] };
    });
  }

  async #end(manager: EntityManager, node: NodeEntity, toKey: string): Promise<LinkDetails['ends'][number]> {
    const row = await manager.findOneBy(PathExplanationEntity, { fromKey: node.publicKey, toKey });
    return { id: node.id, hostname: node.hostname, explanation: row ? shown(row) : null };
  }
}

function shown({ explanation, reportedAt }: PathExplanationEntity): ShownExplanation {
  const { path, reason, nats } = explanation;
  const { verdict, remedies } = explanationWords(path, reason);
  return {
    ...explanation,
    verdict: `${verdict.slice(0, 1).toUpperCase()}${verdict.slice(1)}.`,
    remedies: [...remedies],
    nat_words: nats && { local: natWords(nats.local), remote: natWords(nats.remote) },
    reported_at: formatTime(reportedAt),
  };
}

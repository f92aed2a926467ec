// Health as a title and a sentence, beside the numbers behind it.

import type { ReactNode } from 'react';
import { formatRate } from '../src/format-bytes';
import type { MeshHealth, MeshSummary } from '../src/mesh-summary';
import type { ControlPlaneError } from '../src/control-plane';

export function MeshOverview({
  summary,
  staleBecause,
}: {
  summary: MeshSummary;
  staleBecause: ControlPlaneError | undefined;
}) {
  return (
    <section
      aria-label="Health of the network"
      className="flex flex-col gap-4 rounded-lg border border-line bg-panel p-4 medium:flex-row medium:items-center medium:justify-between medium:gap-8 medium:py-3.5 medium:pr-0 medium:pl-5"
    >
      <Health health={staleBecause ? staleHealth(staleBecause) : summary.health} />
      {summary.health.level !== 'waiting' && (
        <dl className="grid grid-cols-3 gap-x-4 medium:flex medium:gap-0">
          <Figure label="Direct paths">{summary.paths.direct}</Figure>
          <Figure label="LAN paths">{summary.paths.lan}</Figure>
          <Figure label="No path">{summary.paths.none}</Figure>
          <Figure label="Traffic now" isWide>
            {summary.rate && !staleBecause ? formatRate(summary.rate.rx) : '–'}
          </Figure>
        </dl>
      )}
    </section>
  );
}

interface ShownHealth {
  readonly level: MeshHealth['level'] | 'stale';
  readonly title: string;
  readonly sentence: string;
}

function staleHealth(error: ControlPlaneError): ShownHealth {
  return { level: 'stale', title: error.title, sentence: error.detail };
}

const BAR: Record<ShownHealth['level'], string> = {
  good: 'bg-good',
  attention: 'bg-attention',
  waiting: 'bg-line',
  stale: 'bg-danger',
};

function Health({ health }: { health: ShownHealth }) {
  return (
    <div className="flex min-w-0 gap-3.5">
      <span aria-hidden="true" className={`w-1 shrink-0 rounded-full ${BAR[health.level]}`} />
      <div role="status" className="min-h-12 min-w-0">
        <h2 className="text-lg leading-7 font-semibold tracking-tight">{health.title}</h2>
        <p className="text-cell text-muted">{health.sentence}</p>
      </div>
    </div>
  );
}

function Figure({ label, isWide = false, children }: { label: string; isWide?: boolean; children: ReactNode }) {
  return (
    <div
      className={`flex flex-col-reverse border-line medium:border-l medium:px-5 medium:first:border-l-0 ${isWide ? 'hidden w-36 large:flex' : ''}`}
    >
      <dt className="text-note whitespace-nowrap text-muted">{label}</dt>
      <dd className="text-lg leading-7 font-semibold tracking-tight">{children}</dd>
    </div>
  );
}

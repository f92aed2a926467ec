'use client';
// Name, network, counts, and whether what is shown is live.

import type { ReactNode } from 'react';
import { BrandMark } from './brand-mark';
import { LiveIndicator } from './live-indicator';
import type { MeshPoll } from './use-mesh';

export function ConsoleHeader({ poll }: { poll: MeshPoll }) {
  const mesh = 'mesh' in poll ? poll.mesh : undefined;
  const online = mesh?.nodes.filter((node) => node.online).length ?? 0;
  const offline = (mesh?.nodes.length ?? 0) - online;
  return (
    <header className="flex min-h-16 flex-wrap items-baseline gap-x-4 gap-y-1 pt-4 pb-3">
      <h1>
        <BrandMark />
      </h1>
      {mesh && (
        <ul className="order-last flex basis-full flex-wrap items-baseline gap-x-4 text-cell text-muted medium:order-none medium:basis-auto">
          <HeaderFact>
            <span className="sr-only">Network </span>
            <span className="font-mono">{mesh.network.cidr}</span>
          </HeaderFact>
          <HeaderFact>
            <strong className="font-semibold text-ink">{online}</strong> online
          </HeaderFact>
          <HeaderFact>
            <strong className="font-semibold text-ink">{offline}</strong> offline
          </HeaderFact>
        </ul>
      )}
      <div className="ml-auto">
        <LiveIndicator poll={poll} />
      </div>
    </header>
  );
}

function HeaderFact({ children }: { children: ReactNode }) {
  return <li className="whitespace-nowrap">{children}</li>;
}

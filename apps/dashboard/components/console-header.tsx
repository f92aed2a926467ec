'use client';
// Name, network, counts, and whether what is shown is live.

import type { MeshView } from '../src/mesh-view';
import { BrandMark } from './brand-mark';
import { LiveIndicator } from './live-indicator';
import { SignedIn } from './signed-in';
import type { MeshPoll } from './use-mesh';

export function ConsoleHeader({ poll }: { poll: MeshPoll }) {
  return (
    <header className="flex min-h-16 flex-wrap items-baseline gap-x-4 gap-y-1 pt-4 pb-3">
      <h1>
        <BrandMark />
      </h1>
      <ul className="order-last flex min-h-5 basis-full flex-wrap items-baseline gap-x-4 text-cell text-muted medium:order-none medium:basis-auto">
        {'mesh' in poll && <NetworkFacts mesh={poll.mesh} />}
      </ul>
      <div className="ml-auto flex items-baseline gap-x-4">
        <SignedIn />
        <LiveIndicator poll={poll} />
      </div>
    </header>
  );
}

function NetworkFacts({ mesh }: { mesh: MeshView }) {
  const online = mesh.nodes.filter((node) => node.online).length;
  return (
    <>
      <li>
        <span className="sr-only">Network </span>
        <span className="font-mono">{mesh.network.cidr}</span>
      </li>
      <Count of={online} word="online" />
      <Count of={mesh.nodes.length - online} word="offline" />
    </>
  );
}

function Count({ of: number, word }: { of: number; word: string }) {
  return (
    <li className="whitespace-nowrap">
      <strong className="font-semibold text-ink">{number}</strong> {word}
    </li>
  );
}

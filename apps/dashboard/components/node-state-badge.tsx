'use client';
// Dot and word of a node's state. The dots differ in shape as well as in colour.

import { nodeState, type NodeState } from '../src/node-state';
import type { NodeView } from '../src/mesh-view';
import { useServerTime } from './live-data-provider';

const TEXT_COLOUR: Record<NodeState, string> = { active: 'text-good', idle: 'text-idle', offline: 'text-muted' };

const MEANING: Record<NodeState, string> = {
  active: 'A handshake with a peer within the last 3 minutes',
  idle: 'Online, without a handshake within the last 3 minutes',
  offline: 'No heartbeat reaches the control server',
};

export function NodeStateBadge({ node }: { node: Pick<NodeView, 'online' | 'lastHandshake'> }) {
  const state = useServerTime((now) => nodeState(node, now));
  if (!state) return null;
  return (
    <span className={`flex items-center gap-1.5 ${TEXT_COLOUR[state]}`} title={MEANING[state]}>
      <StateDot state={state} />
      {state}
    </span>
  );
}

function StateDot({ state }: { state: NodeState }) {
  return (
    <svg viewBox="0 0 10 10" className="size-2.5 shrink-0" aria-hidden="true">
      {state === 'active' && <circle cx="5" cy="5" r="4" fill="currentColor" />}
      {state === 'idle' && <circle cx="5" cy="5" r="3.25" fill="none" stroke="currentColor" strokeWidth="1.5" />}
      {state === 'offline' && <path d="M1.5 5h7" stroke="currentColor" strokeWidth="2" />}
    </svg>
  );
}

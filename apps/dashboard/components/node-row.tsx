'use client';
// One node: its row, and when open what else is known of it.

import { memo } from 'react';
import { formatRttRange } from '../src/format-rtt';
import type { LinkView, NodeView } from '../src/mesh-view';
import { shortKey } from '../src/short-key';
import { CopyButton } from './copy-button';
import { NodeDetails } from './node-details';
import { NodeStateBadge } from './node-state-badge';
import { Sparkline } from './sparkline';
import { TimeAgo } from './time-ago';
import { TrafficFigures, TrafficPair } from './traffic-figures';

interface NodeRowProps {
  node: NodeView;
  isOpen: boolean;
  onToggle: (id: string) => void;
}

/** Draws anew when this node's part of the view changed: react-query keeps the objects of the others. */
export const NodeRow = memo(function NodeRow({ node, isOpen, onToggle }: NodeRowProps) {
  const detailsId = `details-${node.id}`;
  const rowTone = node.online ? '' : 'text-muted';
  return (
    <>
      <tr
        role="row"
        className={`node-columns border-t border-line px-4 py-2 first:border-t-0 hover:bg-inset medium:px-5 ${rowTone}`}
      >
        <th role="rowheader" scope="row" className="min-w-0 text-left font-normal">
          <button
            type="button"
            aria-expanded={isOpen}
            aria-controls={isOpen ? detailsId : undefined}
            onClick={() => onToggle(node.id)}
            className="flex w-full min-w-0 items-center gap-2 text-left font-medium hover:text-accent"
          >
            <Chevron isOpen={isOpen} />
            <span className="truncate" title={node.hostname}>
              {node.hostname}
            </span>
          </button>
          <span className="block truncate pl-6 text-note text-muted">
            <span className="font-mono medium:hidden">{node.virtualIp}</span>
            <span className="hidden medium:inline" title={`${node.os}, shadownet-node ${node.version}`}>
              {node.os} · {node.version}
            </span>
          </span>
        </th>
        <td role="cell">
          <NodeStateBadge node={node} />
          <span className="block text-note whitespace-nowrap text-muted">
            <span className="sr-only">last heartbeat </span>
            <TimeAgo instant={node.lastHeartbeat} never="never" />
          </span>
        </td>
        <td role="cell" className="hidden medium:block">
          <span className="flex items-center gap-1">
            <span className="font-mono">{node.virtualIp}</span>
            <CopyButton text={node.virtualIp} label={`virtual IP of ${node.hostname}`} />
          </span>
        </td>
        <td role="cell" className="hidden min-w-0 large:block">
          {node.endpoint === null ? (
            <span className="text-muted">unknown</span>
          ) : (
            <span className="block truncate font-mono" title={node.endpoint}>
              {node.endpoint}
            </span>
          )}
        </td>
        <td role="cell" className="hidden wide:block">
          <span className="flex items-center gap-1">
            <span className="font-mono" title={node.publicKey}>
              {shortKey(node.publicKey)}
            </span>
            <CopyButton text={node.publicKey} label={`public key of ${node.hostname}`} />
          </span>
        </td>
        <td role="cell" className="hidden medium:block">
          <PathCounts links={node.links} />
        </td>
        <td role="cell" className="hidden text-right whitespace-nowrap medium:block">
          <TrafficFigures traffic={node.traffic} direction="rx" />
        </td>
        <td role="cell" className="hidden text-right whitespace-nowrap medium:block">
          <TrafficFigures traffic={node.traffic} direction="tx" />
        </td>
        <td role="cell" className="text-right whitespace-nowrap medium:hidden">
          <TrafficPair traffic={node.traffic} />
        </td>
        <td role="cell" className="hidden self-center pl-3 wide:block">
          <Sparkline values={node.traffic.history} />
        </td>
      </tr>
      {isOpen && (
        <tr role="row" id={detailsId} className="block border-t border-line bg-inset">
          <td role="cell" className="block" colSpan={10}>
            <NodeDetails node={node} />
          </td>
        </tr>
      )}
    </>
  );
});

function PathCounts({ links }: { links: readonly LinkView[] }) {
  const countOf = (path: LinkView['path']) => links.filter((link) => link.path === path).length;
  const [direct, lan, relayed, none] = [countOf('direct'), countOf('lan'), countOf('relay'), countOf('none')];
  const rtts = links.map((link) => link.rttMs).filter((rtt) => rtt !== null);
  if (links.length === 0) return <span className="text-muted">no links</span>;
  const counts = [direct > 0 && `${direct} direct`, lan > 0 && `${lan} LAN`, relayed > 0 && `${relayed} relayed`];
  const reached = counts.filter(Boolean).join(' · ');
  return (
    <>
      <span className="block whitespace-nowrap">{reached || 'none'}</span>
      <span className="block text-note whitespace-nowrap text-muted">
        {none > 0 ? `${none} without a path` : formatRttRange(rtts)}
      </span>
    </>
  );
}

function Chevron({ isOpen }: { isOpen: boolean }) {
  return (
    <svg
      viewBox="0 0 16 16"
      className={`size-4 shrink-0 text-muted motion-safe:transition-transform ${isOpen ? 'rotate-90' : ''}`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      aria-hidden="true"
    >
      <path d="m6 4 4 4-4 4" />
    </svg>
  );
}

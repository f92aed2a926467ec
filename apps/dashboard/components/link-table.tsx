'use client';
// The links of one node, as that node reports them.

import { memo, useState } from 'react';
import type { LinkView, NodeView } from '../src/mesh-view';
import { ColumnTitle } from './column-title';
import { LinkExplanation } from './link-explanation';
import { PathLabel } from './path-label';
import { Sparkline } from './sparkline';
import { TimeAgo } from './time-ago';
import { TrafficFigures, TrafficPair } from './traffic-figures';

export function LinkTable({ node }: { node: Pick<NodeView, 'id' | 'hostname' | 'links'> }) {
  const [explained, setExplained] = useState<string>();
  return (
    <table role="table" aria-label={`Links of ${node.hostname}`} className="block">
      <thead role="rowgroup" className="block text-note text-muted">
        <tr role="row" className="link-columns px-4 py-1 medium:px-5 medium:pl-11 [&>th]:font-medium">
          <ColumnTitle>Peer</ColumnTitle>
          <ColumnTitle className="hidden medium:block">Path</ColumnTitle>
          <ColumnTitle className="hidden large:block">Endpoint</ColumnTitle>
          <ColumnTitle className="hidden medium:block">Handshake</ColumnTitle>
          <ColumnTitle className="hidden text-right medium:block">In</ColumnTitle>
          <ColumnTitle className="hidden text-right medium:block">Out</ColumnTitle>
          <ColumnTitle className="text-right medium:hidden">Traffic</ColumnTitle>
          <ColumnTitle className="hidden pl-3 wide:block">Activity</ColumnTitle>
        </tr>
      </thead>
      <tbody role="rowgroup" className="block">
        {node.links.map((link) => (
          <LinkRow
            key={link.peer.id}
            nodeId={node.id}
            link={link}
            isExplained={link.peer.id === explained}
            onExplain={setExplained}
          />
        ))}
      </tbody>
    </table>
  );
}

interface LinkRowProps {
  nodeId: string;
  link: LinkView;
  isExplained: boolean;
  /** The id of the peer, or undefined to close. */
  onExplain: (peer: string | undefined) => void;
}

const QUESTIONS: Record<LinkView['path'], string> = {
  direct: 'Why direct?',
  lan: 'Why direct?',
  relay: 'Why relayed?',
  none: 'Why no path?',
};

const LinkRow = memo(function LinkRow({ nodeId, link, isExplained, onExplain }: LinkRowProps) {
  const explanationId = `why-${nodeId}-${link.peer.id}`;
  return (
    <>
      <tr role="row" className="link-columns border-t border-line px-4 py-1.5 medium:px-5 medium:pl-11">
        <th role="rowheader" scope="row" className="min-w-0 text-left font-normal">
          <span className="block truncate" title={link.peer.hostname}>
            {link.peer.hostname}
          </span>
          <span className="block truncate font-mono text-note text-muted">{link.peer.virtualIp ?? 'removed'}</span>
          {link.peer.virtualIp !== null && (
            <button
              type="button"
              aria-expanded={isExplained}
              aria-controls={isExplained ? explanationId : undefined}
              onClick={() => onExplain(isExplained ? undefined : link.peer.id)}
              className="text-note text-accent underline-offset-2 hover:underline"
            >
              {QUESTIONS[link.path]}
              <span className="sr-only"> {link.peer.hostname}</span>
            </button>
          )}
          <span className="block text-note medium:hidden">
            <PathLabel link={link} />
            <span className="text-muted"> · {link.state}</span>
          </span>
          <span className="block text-note text-muted medium:hidden">
            handshake <TimeAgo instant={link.lastHandshake} never="never" />
          </span>
        </th>
        <td role="cell" className="hidden medium:block">
          <span className="block whitespace-nowrap">
            <PathLabel link={link} />
          </span>
          <span className="block text-note text-muted">{link.state}</span>
        </td>
        <td role="cell" className="hidden min-w-0 large:block">
          <span className="block truncate font-mono" title={link.endpoint ?? undefined}>
            {link.endpoint ?? <span className="font-sans text-muted">–</span>}
          </span>
        </td>
        <td role="cell" className="hidden whitespace-nowrap medium:block">
          <TimeAgo instant={link.lastHandshake} never="never" />
        </td>
        <td role="cell" className="hidden text-right whitespace-nowrap medium:block">
          <TrafficFigures traffic={link.traffic} direction="rx" />
        </td>
        <td role="cell" className="hidden text-right whitespace-nowrap medium:block">
          <TrafficFigures traffic={link.traffic} direction="tx" />
        </td>
        <td role="cell" className="text-right whitespace-nowrap medium:hidden">
          <TrafficPair traffic={link.traffic} />
        </td>
        <td role="cell" className="hidden self-center pl-3 wide:block">
          <Sparkline values={link.traffic.history} />
        </td>
      </tr>
      {isExplained && (
        <tr role="row" id={explanationId} className="block border-t border-line">
          <td role="cell" className="block px-4 py-2 medium:px-5 medium:pl-11" colSpan={7}>
            <LinkExplanation from={nodeId} to={link.peer.id} />
          </td>
        </tr>
      )}
    </>
  );
});

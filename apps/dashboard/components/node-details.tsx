'use client';
// Under an open row: who the node is, where it may be reached, and its links.

import type { ReactNode } from 'react';
import type { NodeView } from '../src/mesh-view';
import { CopyButton } from './copy-button';
import { LinkTable } from './link-table';
import { TimeAgo } from './time-ago';

export function NodeDetails({ node }: { node: NodeView }) {
  return (
    <div className="py-3">
      <dl className="grid grid-cols-2 gap-x-4 gap-y-2 px-4 pb-3 medium:flex medium:flex-wrap medium:gap-x-10 medium:px-5 medium:pl-11">
        <Fact term="Virtual IP" className="medium:hidden">
          <span className="font-mono">{node.virtualIp}</span>
          <CopyButton text={node.virtualIp} label={`virtual IP of ${node.hostname}`} />
        </Fact>
        <Fact term="Registered" className="medium:order-last">
          <TimeAgo instant={node.registeredAt} />
        </Fact>
        <Fact term="Endpoint" className="col-span-2 large:hidden">
          <span className="font-mono break-all">{node.endpoint ?? 'unknown'}</span>
        </Fact>
        <Fact term="System" className="col-span-2 medium:hidden">
          {node.os} · {node.version}
        </Fact>
        <Fact term="Public key" className="col-span-2">
          <span className="font-mono break-all">{node.publicKey}</span>
          <CopyButton text={node.publicKey} label={`public key of ${node.hostname}`} />
        </Fact>
        <Fact term="Candidates" className="col-span-2">
          <ul className="flex flex-wrap gap-x-4">
            {node.candidates.map(({ kind, ip, port }) => (
              <li key={`${kind} ${ip} ${port}`} className="font-mono break-all" title={kind}>
                {formatEndpoint(ip, port)}
              </li>
            ))}
            {node.candidates.length === 0 && <li>none</li>}
          </ul>
        </Fact>
      </dl>
      {node.links.length > 0 ? (
        <LinkTable node={node} />
      ) : (
        <p className="px-4 text-muted medium:px-5 medium:pl-11">No links reported yet.</p>
      )}
    </div>
  );
}

function Fact({ term, className = '', children }: { term: string; className?: string; children: ReactNode }) {
  return (
    <div className={`min-w-0 ${className}`}>
      <dt className="text-note text-muted">{term}</dt>
      <dd className="flex min-h-6 items-center gap-1">{children}</dd>
    </div>
  );
}

function formatEndpoint(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

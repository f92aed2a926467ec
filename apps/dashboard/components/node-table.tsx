'use client';
// All nodes, one row each, with their links underneath on demand. Explicit roles, because a table laid out as grids
// loses its own in some browsers.

import { useCallback, useState } from 'react';
import type { NodeView } from '../src/mesh-view';
import { ColumnTitle } from './column-title';
import { NodeRow } from './node-row';

/** A node that appears in a mesh of up to this many shows its links from the start. */
const SMALL_MESH = 4;

export function NodeTable({ nodes }: { nodes: readonly NodeView[] }) {
  const [openness, setOpenness] = useState<ReadonlyMap<string, boolean>>(new Map());
  const toggle = useCallback((id: string) => {
    setOpenness((before) => new Map(before).set(id, !before.get(id)));
  }, []);

  // Decided once per node: rows that somebody reads do not close because the mesh grew.
  const newcomers = nodes.filter((node) => !openness.has(node.id));
  if (newcomers.length > 0) {
    const isOpen = nodes.length <= SMALL_MESH;
    setOpenness(new Map([...openness, ...newcomers.map(({ id }) => [id, isOpen] as const)]));
  }

  return (
    <section aria-labelledby="nodes-title">
      <h2 id="nodes-title" className="sr-only">
        Nodes
      </h2>
      <table
        role="table"
        aria-labelledby="nodes-title"
        className="block rounded-lg border border-line bg-panel text-cell"
      >
        <thead
          role="rowgroup"
          className="block rounded-t-lg bg-panel text-note text-muted medium:sticky medium:top-0 medium:z-10"
        >
          <tr role="row" className="node-columns border-b border-line px-4 py-2 medium:px-5 [&>th]:font-medium">
            <ColumnTitle className="pl-6">Node</ColumnTitle>
            <ColumnTitle>
              State<span className="hidden medium:inline"> · seen</span>
            </ColumnTitle>
            <ColumnTitle className="hidden medium:block">Virtual IP</ColumnTitle>
            <ColumnTitle className="hidden large:block">Endpoint</ColumnTitle>
            <ColumnTitle className="hidden wide:block">Public key</ColumnTitle>
            <ColumnTitle className="hidden medium:block">Paths</ColumnTitle>
            <ColumnTitle className="hidden text-right medium:block">In</ColumnTitle>
            <ColumnTitle className="hidden text-right medium:block">Out</ColumnTitle>
            <ColumnTitle className="text-right medium:hidden">Traffic</ColumnTitle>
            <ColumnTitle className="hidden pl-3 wide:block">Activity</ColumnTitle>
          </tr>
        </thead>
        <tbody role="rowgroup" className="block">
          {nodes.map((node) => (
            <NodeRow key={node.id} node={node} isOpen={openness.get(node.id) ?? false} onToggle={toggle} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

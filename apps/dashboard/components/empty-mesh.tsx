'use client';
// In place of the table while there is no node: how to add the first one.

import { JoinCommand } from './add-node-command';

export function EmptyMesh() {
  return (
    <section
      aria-labelledby="empty-title"
      className="flex flex-col items-start gap-4 rounded-lg border border-dashed border-line p-5 medium:p-10"
    >
      <h2 id="empty-title" className="text-lg font-semibold tracking-tight">
        Add the first node
      </h2>
      <p className="max-w-prose text-cell text-muted">
        Run this as root on a machine with shadownet-node installed. It makes its own key, gets an address in the
        network and appears here by itself. A second node, and the two find a path to each other.
      </p>
      <JoinCommand />
    </section>
  );
}

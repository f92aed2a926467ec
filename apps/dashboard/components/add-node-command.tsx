'use client';
// The line that adds a node, ready to copy.

import { CopyButton } from './copy-button';
import { useControlPlaneOrigin } from './control-plane-url';

export function AddNodeCommand() {
  return (
    <section aria-label="Add a node" className="flex flex-wrap items-center gap-x-4 gap-y-2 text-cell text-muted">
      <h2 className="font-medium text-ink">Add a node</h2>
      <JoinCommand />
    </section>
  );
}

/** The command itself, and a hint where the address in it means something else on the machine to add. */
export function JoinCommand() {
  const origin = useControlPlaneOrigin();
  const command = `shadownet-node up --control ${origin}`;
  return (
    <>
      <div className="inline-flex max-w-full min-w-0 items-center gap-2 rounded-md border border-line bg-panel py-1.5 pr-1.5 pl-3 text-cell">
        <code className="min-w-0 font-mono wrap-anywhere text-ink">
          <span aria-hidden="true" className="mr-2 text-muted select-none">
            #
          </span>
          {command}
        </code>
        <CopyButton text={command} label="command" />
      </div>
      {isLoopback(origin) && (
        <p className="text-note text-muted">
          From another machine, put this server’s address in place of {new URL(origin).hostname}.
        </p>
      )}
    </>
  );
}

function isLoopback(origin: string): boolean {
  return origin !== '' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(origin).hostname);
}

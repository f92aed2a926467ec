'use client';
// The whole first page, for each thing that the last poll can have brought.

import { summariseMesh } from '../src/mesh-summary';
import { assertNever } from '../src/assert-never';
import { AddNodeCommand } from './add-node-command';
import { ConsoleFooter } from './console-footer';
import { ConsoleHeader } from './console-header';
import { EmptyMesh } from './empty-mesh';
import { FailureNotice } from './failure-notice';
import { LoadingTable } from './loading-table';
import { MeshOverview } from './mesh-overview';
import { NodeTable } from './node-table';
import { SignInForm } from './sign-in-form';
import { type MeshPoll, useMesh } from './use-mesh';

export function MeshConsole() {
  const poll = useMesh();
  return (
    <div className="mx-auto flex min-h-dvh max-w-[110rem] flex-col px-4 medium:px-6">
      <ConsoleHeader poll={poll} />
      <main className="flex flex-1 flex-col gap-5 pb-10">
        <ConsoleBody poll={poll} />
      </main>
      {'mesh' in poll && <ConsoleFooter mesh={poll.mesh} />}
    </div>
  );
}

function ConsoleBody({ poll }: { poll: MeshPoll }) {
  switch (poll.kind) {
    case 'loading':
      return <LoadingTable />;
    case 'signed-out':
      return <SignInForm />;
    case 'failed':
      return <FailureNotice error={poll.error} />;
    case 'live':
    case 'stale': {
      const { nodes } = poll.mesh;
      return (
        <>
          <MeshOverview
            summary={summariseMesh(poll.mesh)}
            staleBecause={poll.kind === 'stale' ? poll.error : undefined}
          />
          {nodes.length === 0 ? (
            <EmptyMesh />
          ) : (
            <div className={poll.kind === 'stale' ? 'grayscale' : ''}>
              <NodeTable nodes={nodes} />
            </div>
          )}
          {nodes.length > 0 && <AddNodeCommand />}
        </>
      );
    }
    default:
      return assertNever(poll);
  }
}

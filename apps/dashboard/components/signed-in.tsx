'use client';
// In the header: who is signed in, and the way out.

import { useState } from 'react';
import { useSession, useSignOut } from './use-session';

export function SignedIn() {
  const session = useSession();
  const signOut = useSignOut();
  const [failed, setFailed] = useState(false);
  if (!session?.person) return null;
  const leave = (): void => void signOut().catch(() => setFailed(true));
  return (
    <p className="flex items-baseline gap-x-2 text-cell text-muted">
      <span>
        {session.person.name}
        <span className="sr-only"> is signed in</span>
      </span>
      <button type="button" onClick={leave} className="text-accent underline underline-offset-4">
        Sign out
      </button>
      {failed && (
        <span role="alert" className="text-danger">
          Still signed in: the server did not answer
        </span>
      )}
    </p>
  );
}

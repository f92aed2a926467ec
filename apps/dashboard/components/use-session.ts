'use client';
// Who is signed in, as the server says, and how that changes.

import type { SessionInfo } from '@shadownet/contracts';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ControlPlaneError } from '../src/control-plane';
import { fetchSession, signOut } from '../src/session-client';
import { CONTROL_PLANE_URL } from './control-plane-url';

const SESSION = ['session'];

/** Undefined until the server has said it. */
export function useSession(): SessionInfo | undefined {
  const { data } = useQuery<SessionInfo, ControlPlaneError>({
    queryKey: SESSION,
    queryFn: ({ signal }) => fetchSession(CONTROL_PLANE_URL, signal),
    networkMode: 'always',
  });
  return data;
}

/** To be called with what signing in answered: everything is asked anew, as the one who is signed in now. */
export function useSignedIn(): (session: SessionInfo) => void {
  const client = useQueryClient();
  return (session) => {
    client.setQueryData(SESSION, session);
    void client.resetQueries({ queryKey: ['overview'] });
  };
}

/** Ends the session; nothing of what was shown stays in the page. */
export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await signOut(CONTROL_PLANE_URL);
    await client.resetQueries();
  };
}

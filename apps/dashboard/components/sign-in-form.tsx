'use client';
// In place of the network for who is not signed in.

import { useSyncExternalStore } from 'react';
import { signIn } from '../src/session-client';
import { CONTROL_PLANE_URL } from './control-plane-url';
import { CredentialsForm } from './credentials-form';
import { useSession, useSignedIn } from './use-session';

export function SignInForm() {
  const session = useSession();
  const signedIn = useSignedIn();
  const refusal = useRefusal();
  return (
    <section aria-labelledby="sign-in-title" className="mx-auto flex w-full max-w-80 flex-col gap-5 py-10">
      <h2 id="sign-in-title" className="text-lg font-semibold tracking-tight">
        Sign in to see the network
      </h2>
      {session?.setup_needed && (
        <p className="text-cell text-muted">
          There is no admin yet. On the server’s machine, the file setup-link in its data folder has the link that makes
          the first one; shadownet-control admin reset prints another.
        </p>
      )}
      {refusal !== undefined && (
        <p role="alert" className="text-cell text-danger">
          {refusal}
        </p>
      )}
      <CredentialsForm
        action="Sign in"
        isNew={false}
        submit={async (credentials) => signedIn(await signIn(CONTROL_PLANE_URL, credentials))}
      />
      {session?.oidc && (
        <a
          href={`${CONTROL_PLANE_URL}/api/v1/oidc/start`}
          className="rounded border border-line px-4 py-2 text-center text-cell"
        >
          Sign in with {session.oidc}
        </a>
      )}
    </section>
  );
}

/** Why the way back from another place to sign in ended here: what the server put into the page's address. */
function useRefusal(): string | undefined {
  const reason = useSyncExternalStore(
    () => () => undefined,
    () => new URLSearchParams(window.location.search).get('sign-in'),
    () => null,
  );
  return reason === null ? undefined : REFUSALS.get(reason);
}

const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['not-proved', 'The other place did not say who you are, or took too long: try again.'],
  ['no-role', 'You are known there, but have no role in this network: ask an admin.'],
]);

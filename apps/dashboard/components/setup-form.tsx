'use client';
// What the setup link opens: the first admin chooses a name and a password. The link's secret is in its fragment, which the
// browser sends to nobody; it goes to the server in the body of one request.

import { useState, useSyncExternalStore } from 'react';
import { setUp } from '../src/session-client';
import { CONTROL_PLANE_URL } from './control-plane-url';
import { CredentialsForm } from './credentials-form';

export function SetupForm() {
  const token = useFragment();
  const [name, setName] = useState<string | undefined>();
  if (name !== undefined) {
    return (
      <p role="status">
        {name} is an admin now, and signed in.{' '}
        <a href="/" className="text-accent underline underline-offset-4">
          To the network
        </a>
      </p>
    );
  }
  if (token === '') return <p>This page needs the whole setup link, with what follows the # in it.</p>;
  return (
    <CredentialsForm
      action="Become admin"
      isNew
      submit={async (credentials) => {
        const { person } = await setUp(CONTROL_PLANE_URL, { token, ...credentials });
        // Used up, it need not stay in the browser's history.
        window.history.replaceState(null, '', window.location.pathname);
        setName(person?.name ?? credentials.name);
      }}
    />
  );
}

/** Empty in the exported HTML. */
function useFragment(): string {
  return useSyncExternalStore(
    (changed) => {
      window.addEventListener('hashchange', changed);
      return () => window.removeEventListener('hashchange', changed);
    },
    () => window.location.hash.slice(1),
    () => '',
  );
}

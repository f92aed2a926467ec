'use client';
// Name and password, and what the server says to them. For signing in and for making the first admin.

import { type FormEvent, useId, useState } from 'react';
import { ControlPlaneError } from '../src/control-plane';

export interface Credentials {
  readonly name: string;
  readonly password: string;
}

export function CredentialsForm({
  action,
  isNew,
  submit,
}: {
  /** What the button says. */
  action: string;
  /** The password is chosen here, not proved: password managers offer to make one. */
  isNew: boolean;
  /** Throws ControlPlaneError. */
  submit: (credentials: Credentials) => Promise<void>;
}) {
  const [state, setState] = useState<{ kind: 'ready' } | { kind: 'sending' } | { kind: 'refused'; error: string }>({
    kind: 'ready',
  });

  const send = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setState({ kind: 'sending' });
    try {
      await submit({ name: String(fields.get('name')), password: String(fields.get('password')) });
      setState({ kind: 'ready' });
    } catch (error) {
      setState({ kind: 'refused', error: describe(error) });
    }
  };

  return (
    <form onSubmit={(event) => void send(event)} className="flex w-full max-w-80 flex-col gap-4">
      <Field label="Name" name="name" type="text" autoComplete="username" />
      <Field
        label="Password"
        name="password"
        type="password"
        autoComplete={isNew ? 'new-password' : 'current-password'}
        minLength={isNew ? 10 : 1}
      />
      {state.kind === 'refused' && (
        <p role="alert" className="text-cell text-danger">
          {state.error}
        </p>
      )}
      <button
        type="submit"
        disabled={state.kind === 'sending'}
        className="rounded bg-accent px-4 py-2 text-cell font-semibold text-canvas disabled:opacity-60"
      >
        {action}
      </button>
    </form>
  );
}

function Field(props: {
  label: string;
  name: string;
  type: 'text' | 'password';
  autoComplete: string;
  minLength?: number;
}) {
  const { label, ...input } = props;
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-cell text-muted">
        {label}
      </label>
      <input
        id={id}
        required
        autoCapitalize="none"
        spellCheck={false}
        className="rounded border border-line bg-inset px-3 py-2 text-ink"
        {...input}
      />
    </div>
  );
}

function describe(error: unknown): string {
  if (!(error instanceof ControlPlaneError)) return String(error);
  return error.detail && error.detail !== error.title && !error.detail.startsWith('HTTP ')
    ? `${error.title}: ${error.detail}`
    : error.title;
}

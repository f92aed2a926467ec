'use client';
// One place from which assistive technology hears the outcome of small actions.

import { createContext, type ReactNode, useContext, useState } from 'react';

const AnnounceContext = createContext<(message: string) => void>(() => undefined);

export function Announcer({ children }: { children: ReactNode }) {
  const [message, setMessage] = useState('');
  return (
    <AnnounceContext value={setMessage}>
      {children}
      <p role="status" className="sr-only">
        {message}
      </p>
    </AnnounceContext>
  );
}

/** The function that announces a message; an empty one clears it, so that the same message can be heard again. */
export function useAnnounce(): (message: string) => void {
  return useContext(AnnounceContext);
}

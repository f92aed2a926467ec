'use client';
// What every live part of the page shares: the cache of answers and the server's clock.

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { ServerClock } from '../src/server-clock';

const ServerClockContext = createContext<ServerClock | undefined>(undefined);

export function LiveDataProvider({ children }: { children: ReactNode }) {
  const [queryClient] = useState(() => new QueryClient());
  const [clock] = useState(() => new ServerClock(() => performance.now()));

  useEffect(() => {
    const timer = setInterval(() => clock.tick(), 1_000);
    return () => clearInterval(timer);
  }, [clock]);

  return (
    <QueryClientProvider client={queryClient}>
      <ServerClockContext value={clock}>{children}</ServerClockContext>
    </QueryClientProvider>
  );
}

export function useServerClock(): ServerClock {
  const clock = useContext(ServerClockContext);
  if (!clock) throw new Error('useServerClock outside of LiveDataProvider');
  return clock;
}

/**
 * What `derive` makes of the server's time. The component draws anew only when that changes, not on each tick:
 * `derive` must return a primitive. `undefined` until the server has said its time.
 */
export function useServerTime<T extends string | number>(derive: (now: number) => T): T | undefined {
  const clock = useServerClock();
  return useSyncExternalStore(
    clock.subscribe,
    () => (clock.now === undefined ? undefined : derive(clock.now)),
    () => undefined,
  );
}

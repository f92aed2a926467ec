'use client';
// The poll: one request every two seconds while the page is visible.

import { useQuery } from '@tanstack/react-query';
import type { ControlPlaneError } from '../src/control-plane';
import { fetchOverview } from '../src/overview-client';
import { buildMeshView, type MeshView } from '../src/mesh-view';
import { CONTROL_PLANE_URL } from './control-plane-url';
import { useServerClock } from './live-data-provider';

export const POLL_INTERVAL_MS = 2_000;

export type MeshPoll =
  | { readonly kind: 'loading' }
  /** Only who is signed in may see the network, and nobody is. */
  | { readonly kind: 'signed-out' }
  /** Nothing to show, and the last poll says why. */
  | { readonly kind: 'failed'; readonly error: ControlPlaneError }
  | { readonly kind: 'live'; readonly mesh: MeshView }
  /** The last poll failed: `mesh` is what the one before it brought. */
  | { readonly kind: 'stale'; readonly mesh: MeshView; readonly error: ControlPlaneError };

export function useMesh(): MeshPoll {
  const clock = useServerClock();
  const { data, error } = useQuery<MeshView, ControlPlaneError>({
    queryKey: ['overview'],
    queryFn: async ({ client, queryKey, signal }) => {
      const overview = await fetchOverview(CONTROL_PLANE_URL, signal);
      clock.synchronise(overview.server_time);
      return buildMeshView(overview, client.getQueryData<MeshView>(queryKey));
    },
    refetchInterval: ({ state }) => (isSignedOut(state.error) ? false : POLL_INTERVAL_MS),
    // The next poll is the retry, and a server on this machine answers without any network.
    retry: false,
    networkMode: 'always',
  });
  if (isSignedOut(error)) return { kind: 'signed-out' };
  if (data && error) return { kind: 'stale', mesh: data, error };
  if (data) return { kind: 'live', mesh: data };
  if (error) return { kind: 'failed', error };
  return { kind: 'loading' };
}

function isSignedOut(error: ControlPlaneError | null): boolean {
  return error?.problem === 'sign-in-required';
}

// Where the API is: at the server that served this page, or, for a development server, where the build was told.

import { useSyncExternalStore } from 'react';

/** Origin without a trailing slash; empty for the page's own. Next.js puts the variable's value in at build time. */
export const CONTROL_PLANE_URL = (process.env.NEXT_PUBLIC_CONTROLPLANE_URL ?? '').replace(/\/+$/, '');

/** The origin to tell people; empty in the exported HTML, which does not know where it will be served. */
export function useControlPlaneOrigin(): string {
  return useSyncExternalStore(
    neverChanges,
    () => CONTROL_PLANE_URL || window.location.origin,
    () => CONTROL_PLANE_URL,
  );
}

function neverChanges(): () => void {
  return () => undefined;
}

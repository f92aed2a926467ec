// The dashboard's side of GET /api/v1/overview.

import type { Overview } from '@shadownet/contracts';
import { askControlPlane, isRecord } from './control-plane';

/** Asks for the overview once. As askControlPlane. */
export function fetchOverview(baseUrl: string, signal: AbortSignal, send: typeof fetch = fetch): Promise<Overview> {
  return askControlPlane(baseUrl, { path: '/overview', isAnswer: isOverview }, signal, send);
}

function isOverview(body: unknown): body is Overview {
  return isRecord(body) && Array.isArray(body['nodes']) && Array.isArray(body['links']) && isRecord(body['network']);
}

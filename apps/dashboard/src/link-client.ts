// The dashboard's side of GET /api/v1/links/{from}/{to}.

import type { LinkDetails } from '@shadownet/contracts';
import { askControlPlane, isRecord } from './control-plane';

/** Asks once why the path between two nodes is what it is. As askControlPlane. */
export function fetchLink(
  baseUrl: string,
  { from, to }: { readonly from: string; readonly to: string },
  signal: AbortSignal,
  send: typeof fetch = fetch,
): Promise<LinkDetails> {
  const path = `/links/${encodeURIComponent(from)}/${encodeURIComponent(to)}`;
  return askControlPlane(baseUrl, { path, isAnswer: isLinkDetails }, signal, send);
}

function isLinkDetails(body: unknown): body is LinkDetails {
  return isRecord(body) && Array.isArray(body['ends']) && body['ends'].length === 2;
}

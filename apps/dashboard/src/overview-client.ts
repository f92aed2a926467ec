// The dashboard's side of GET /api/v1/overview.

import type { Overview, Problem } from '@shadownet/contracts';

export type ControlPlaneErrorCode =
  /** No answer: the server is down, or the network between is. */
  | 'unreachable'
  /** An answer with an error status; its problem+json, where it has one, gives title and detail. */
  | 'refused'
  /** An answer that is not an overview, as from a proxy that answers for the server. */
  | 'not-an-overview';

export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError';

  constructor(
    readonly code: ControlPlaneErrorCode,
    /** Short enough for a headline. */
    readonly title: string,
    readonly detail: string,
  ) {
    super(`${title}: ${detail}`);
  }
}

const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Asks for the overview once. `baseUrl` is empty for the server that served the page.
 * Throws ControlPlaneError, or what `signal` was aborted with.
 */
export async function fetchOverview(
  baseUrl: string,
  signal: AbortSignal,
  send: typeof fetch = fetch,
): Promise<Overview> {
  let response: Response;
  let body: unknown;
  try {
    response = await send(`${baseUrl}/api/v1/overview`, {
      headers: { accept: 'application/json, application/problem+json' },
      cache: 'no-store',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    body = parseJson(await response.text());
  } catch {
    signal.throwIfAborted();
    throw new ControlPlaneError(
      'unreachable',
      'The control server does not answer',
      'Tunnels that are up keep working without it. Trying again every 2 seconds.',
    );
  }
  if (!response.ok) throw refusal(response, body);
  if (!isOverview(body)) {
    throw new ControlPlaneError(
      'not-an-overview',
      'Something other than the control server answered',
      `${response.url || 'The address of the API'} did not return an overview of the network.`,
    );
  }
  return body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(response: Response, body: unknown): ControlPlaneError {
  const status = [`HTTP ${response.status}`, response.statusText].filter(Boolean).join(' ');
  const problem = isProblem(body) ? body : undefined;
  return new ControlPlaneError(
    'refused',
    problem?.title ?? 'The control server refused the request',
    problem?.detail ?? status,
  );
}

function isProblem(body: unknown): body is Pick<Problem, 'title' | 'detail'> {
  return isRecord(body) && typeof body['title'] === 'string' && isTextOrAbsent(body['detail']);
}

/** Tells an overview from another JSON document. The server that serves this page writes both: fields need no second check. */
function isOverview(body: unknown): body is Overview {
  return isRecord(body) && Array.isArray(body['nodes']) && Array.isArray(body['links']) && isRecord(body['network']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

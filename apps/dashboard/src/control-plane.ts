// One question to the control server's API, and what can come instead of its answer.

import type { Problem } from '@shadownet/contracts';

export type ControlPlaneErrorCode =
  /** No answer: the server is down, or the network between is. */
  | 'unreachable'
  /** An answer with an error status; its problem+json, where it has one, gives title and detail. */
  | 'refused'
  /** An answer that is not what was asked for, as from a proxy that answers for the server. */
  | 'unexpected';

export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError';

  constructor(
    readonly code: ControlPlaneErrorCode,
    /** Short enough for a headline. */
    readonly title: string,
    readonly detail: string,
    /** Of `refused`: the code of the server's problem. */
    readonly problem?: string,
  ) {
    super(`${title}: ${detail}`);
  }
}

export interface Question<Answer> {
  readonly path: string;
  /** GET, if there is neither. */
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Goes out as JSON. */
  readonly body?: unknown;
  /** Tells the answer from another JSON document. The server that serves this page writes both: fields need no second check. */
  readonly isAnswer: (body: unknown) => body is Answer;
}

const ANSWER_TIMEOUT_MS = 10_000;

/** `baseUrl` is empty for the server that served the page. Throws ControlPlaneError, or what `signal` was aborted with. */
export async function askControlPlane<Answer>(
  baseUrl: string,
  { path, method = 'GET', body: sent, isAnswer }: Question<Answer>,
  signal: AbortSignal,
  send: typeof fetch = fetch,
): Promise<Answer> {
  let response: Response;
  let body: unknown;
  try {
    response = await send(`${baseUrl}/api/v1${path}`, {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(sent !== undefined && { 'content-type': 'application/json' }),
      },
      ...(sent !== undefined && { body: JSON.stringify(sent) }),
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
  if (isAnswer(body)) return body;
  throw new ControlPlaneError(
    'unexpected',
    'Something other than the control server answered',
    `${response.url || 'The address of the API'} did not return what this page asks for.`,
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
  const fields = problem?.errors?.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new ControlPlaneError(
    'refused',
    problem?.title ?? 'The control server refused the request',
    fields || (problem?.detail ?? status),
    problem?.code,
  );
}

function isProblem(body: unknown): body is Pick<Problem, 'title' | 'detail' | 'code' | 'errors'> {
  return (
    isRecord(body) &&
    typeof body['title'] === 'string' &&
    isTextOrAbsent(body['detail']) &&
    isTextOrAbsent(body['code']) &&
    (body['errors'] === undefined || Array.isArray(body['errors']))
  );
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

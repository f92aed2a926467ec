// Asks the running server by its local admin socket. For the commands of shadownet-control.

import { request as httpRequest } from 'node:http';
import { problemSchema } from '@shadownet/contracts';
import { decodeUtf8 } from '@shadownet/primitives';
import type { z } from 'zod';
import { adminSocketPath } from '../auth/admin-socket.js';
import { ControlError } from '../control-error.js';

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/** 16 MB: more than any answer of the API. */
const MAX_ANSWER_BYTES = 2 ** 24;

export class AdminClient {
  readonly #socketPath: string;

  constructor(private readonly dataDir: string) {
    this.#socketPath = adminSocketPath(dataDir);
  }

  /**
   * What the route (like `/join-keys`, under /api/v1) answers, checked against `schema`. Throws ControlError `not-running`
   * if no server listens there, `refused` with the server's reason if it does not do what was asked.
   */
  async call<Schema extends z.ZodType>(
    schema: Schema,
    method: Method,
    route: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<z.infer<Schema>> {
    const { status, bytes } = await this.#exchange(method, `/api/v1${route}`, body, headers);
    const answer = parse(bytes);
    if (status >= 400)
      throw new ControlError('refused', reasonOf(answer) ?? `the server answered with status ${status}`);
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new ControlError(
      'refused',
      'the running server answers as another version of shadownet-control does: restart it',
    );
  }

  #exchange(
    method: Method,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ status: number; bytes: Buffer }> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const request = httpRequest(
        {
          socketPath: this.#socketPath,
          method,
          path,
          headers: { host: 'localhost', ...headers, ...(text !== undefined && { 'content-type': 'application/json' }) },
        },
        (response) => {
          const parts: Buffer[] = [];
          let length = 0;
          response.on('data', (part: Buffer) => {
            length += part.length;
            if (length > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is too long'));
            else parts.push(part);
          });
          response.on('end', () => resolve({ status: response.statusCode!, bytes: Buffer.concat(parts) }));
          response.on('error', reject);
        },
      );
      request.on('error', (error) => reject(this.#failure(error)));
      request.end(text);
    });
  }

  #failure(error: NodeJS.ErrnoException): ControlError {
    const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
    const message = absent
      ? `no shadownet-control runs on ${this.dataDir}: start it, or name its folder with --data-dir`
      : error.code === 'EACCES'
        ? `${this.#socketPath} belongs to another user: run this as the user that the server runs as`
        : `cannot ask the server at ${this.#socketPath}: ${error.message}`;
    return new ControlError('not-running', message, { cause: error });
  }
}

/** Undefined for what is no JSON: an empty answer, too. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes) ?? '');
  } catch {
    return undefined;
  }
}

function reasonOf(answer: unknown): string | undefined {
  const problem = problemSchema.safeParse(answer);
  if (!problem.success) return undefined;
  const { title, detail, errors = [] } = problem.data;
  const fields = errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  return [detail ?? title, ...fields].join('; ');
}

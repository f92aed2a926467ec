// The body of a request: raw bytes, because signatures cover those, and JSON checked against a schema of contracts.

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { decodeUtf8 } from '@shadownet/primitives';
import type { Request } from 'express';
import type { z } from 'zod';
import { ApiError } from './api-error.js';

const EMPTY = new Uint8Array(0);
const JSON_TYPE = /^application\/json(\s*;\s*charset=(utf-8|"utf-8"))?\s*$/i;
const MAX_REPORTED_ISSUES = 20;

/** The bytes that the client sent. */
export function bodyOf(request: Request): Uint8Array {
  const body: unknown = request.body;
  return body instanceof Uint8Array ? body : EMPTY;
}

/** The parsed body of a route. Throws ApiError `unsupported-media-type` or `invalid-body`. */
export function JsonBody(schema: z.ZodType): ParameterDecorator {
  return ParsedBody({ schema });
}

/** The schema is wrapped because Nest takes anything with a `transform` method for a pipe. */
const ParsedBody = createParamDecorator(({ schema }: { schema: z.ZodType }, context: ExecutionContext): unknown => {
  const request = context.switchToHttp().getRequest<Request>();
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) {
    throw new ApiError('unsupported-media-type', 'Send Content-Type: application/json in UTF-8.');
  }
  const parsed = schema.safeParse(parseJson(bodyOf(request)));
  if (parsed.success) return parsed.data;
  throw new ApiError('invalid-body', undefined, {
    errors: parsed.error.issues
      .slice(0, MAX_REPORTED_ISSUES)
      .map(({ path, message }) => ({ field: path.join('.'), message })),
  });
});

/** V8 parses nested input without recursion, and schemas don't descend into what they don't know. */
function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new ApiError('invalid-body', 'The body is not UTF-8.');
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError('invalid-body', 'The body is not JSON.');
  }
}

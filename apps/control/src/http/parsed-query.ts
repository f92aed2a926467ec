// The query of a request, checked against a schema of contracts.

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { z } from 'zod';
import { ApiError } from './api-error.js';

/** Values are text; a name that comes twice is refused. Throws ApiError `invalid-body`. */
export function ParsedQuery(schema: z.ZodType): ParameterDecorator {
  return Parsed({ schema });
}

/** The schema is wrapped because Nest takes anything with a `transform` method for a pipe. */
const Parsed = createParamDecorator(({ schema }: { schema: z.ZodType }, context: ExecutionContext): unknown => {
  const { originalUrl } = context.switchToHttp().getRequest<Request>();
  const queryAt = originalUrl.indexOf('?');
  const pairs = [...new URLSearchParams(queryAt === -1 ? '' : originalUrl.slice(queryAt + 1))];
  const query = Object.fromEntries(pairs);
  if (Object.keys(query).length < pairs.length)
    throw new ApiError('invalid-body', 'A parameter of the query comes twice.');
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  throw new ApiError('invalid-body', 'The query is not what this route takes.', {
    errors: parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })),
  });
});

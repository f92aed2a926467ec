// The one place where errors become answers: problem+json (RFC 9457), signed if the request was signed.

import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Problem, ProblemCode } from '@shadownet/contracts';
import { encodeUtf8 } from '@shadownet/primitives';
import type { Request, Response } from 'express';
import { callerOf } from '../auth/caller.js';
import { ResponseSigner } from '../auth/response-signer.js';
import { ApiError, problemOf } from './api-error.js';

@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger(ProblemFilter.name);

  constructor(private readonly signer: ResponseSigner) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const problem = problemFor(error);
    if (problem.code === 'internal-error') this.#logger.error(error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const text = JSON.stringify(problem);
    const caller = callerOf(request);
    if (caller) response.set({ ...this.signer.sign(caller, problem.status, encodeUtf8(text)) });
    if (problem.status === 401)
      response.set('www-authenticate', `${SCHEMES.get(problem.code) ?? 'Signature'} realm="shadownet"`);
    if (problem.status === 429 || problem.status === 503)
      response.set('retry-after', String(error instanceof ApiError ? error.retryAfterSeconds : 1));
    response.status(problem.status).type('application/problem+json').send(text);
  }
}

function problemFor(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  // The router's own: no such route, or a path that cannot be decoded.
  if (error instanceof HttpException && error.getStatus() < 500) return problemOf('not-found');
  return problemOf(CODE_OF_BODY_ERROR.get(statusOf(error)) ?? 'internal-error');
}

function statusOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
}

/** How to prove who one is, where it is not by a node's signature (RFC 9110 §11.6.1). */
const SCHEMES: ReadonlyMap<ProblemCode, string> = new Map([
  ['sign-in-required', 'Bearer'],
  ['wrong-credentials', 'Bearer'],
]);

/** What the body parser throws has a status. Anything else is a bug, of which only the log tells more. */
const CODE_OF_BODY_ERROR: ReadonlyMap<unknown, ProblemCode> = new Map([
  [400, 'invalid-body'],
  [413, 'body-too-large'],
  [415, 'unsupported-media-type'],
]);

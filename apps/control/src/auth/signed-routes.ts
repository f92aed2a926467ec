import { applyDecorators, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ProblemDto } from '../http/problem.dto.js';
import { SignatureGuard } from './signature.guard.js';
import { SignedResponseInterceptor } from './signed-response.interceptor.js';

const header = (name: string, description: string) => ApiHeader({ name, description, required: true });

/** Marks the routes of nodes: requests have to be signed, and responses are. */
export function SignedRoutes() {
  return applyDecorators(SignedRequests(), UseInterceptors(SignedResponseInterceptor));
}

/** Marks routes whose requests have to be signed, and which sign what they send themselves. */
export function SignedRequests() {
  return applyDecorators(
    UseGuards(SignatureGuard),
    header('content-digest', 'RFC 9530: sha-256 of the body, also of an empty one'),
    header('signature-input', 'RFC 9421: ("@method" "@path" "@query" "content-digest");created;keyid;alg;nonce'),
    header('signature', 'RFC 9421: hmac-sha256 under the key shared by node and server'),
    ApiExtraModels(ProblemDto),
    ApiResponse({
      status: 'default',
      description: 'An error, by its code',
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) } } },
    }),
  );
}

// An error of the API, thrown by anything that answers requests. The problem filter turns it into problem+json.

import { HttpException } from '@nestjs/common';
import type { Problem, ProblemCode } from '@shadownet/contracts';

/** The status and title of each code; docs/control-plane-api.md says when each is sent. */
export const PROBLEMS: Readonly<Record<ProblemCode, { readonly status: number; readonly title: string }>> = {
  'invalid-body': { status: 400, title: 'The request body is not what this route takes' },
  'body-too-large': { status: 413, title: 'The request body is too large' },
  'unsupported-media-type': { status: 415, title: 'The request body has to be plain JSON' },
  'signature-missing': { status: 401, title: 'The request is not signed' },
  'signature-invalid': { status: 401, title: 'The signature is not valid' },
  'signature-expired': { status: 401, title: 'The signature was made too long ago, or in the future' },
  'sign-in-required': { status: 401, title: 'This needs a sign-in or an API token' },
  'wrong-credentials': { status: 401, title: 'The name or the password is wrong' },
  forbidden: { status: 403, title: 'Your role does not allow this' },
  'cross-site': { status: 403, title: 'The request does not come from a page of this server' },
  'setup-link-invalid': { status: 403, title: 'The setup link was used or has expired' },
  'name-taken': { status: 409, title: 'This name is taken' },
  'last-admin': { status: 409, title: 'There would be no admin left' },
  'nonce-replayed': { status: 409, title: 'This request was already handled' },
  'wrong-key': { status: 403, title: 'The signing key does not own this id' },
  'unknown-peer': { status: 404, title: 'This node is not registered' },
  'join-key-required': { status: 403, title: 'Joining this network needs a join key' },
  'join-key-refused': { status: 403, title: 'This join key does not let this node join' },
  'approval-pending': { status: 403, title: 'An admin has to approve this node' },
  'node-disabled': { status: 403, title: 'An admin has disabled this node' },
  'id-taken': { status: 409, title: 'This id belongs to another key' },
  'address-pool-full': { status: 503, title: 'The network has no free address' },
  'policy-invalid': { status: 422, title: 'The policy cannot be accepted' },
  'version-required': { status: 428, title: 'The request has to say which version it changes, by If-Match' },
  'version-conflict': { status: 412, title: 'Somebody else has changed this meanwhile' },
  'ambiguous-name': { status: 409, title: 'Several nodes have this name' },
  'host-not-allowed': { status: 421, title: 'This server does not answer under that host name' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  unavailable: { status: 503, title: 'The server is busy or stopping' },
  'internal-error': { status: 500, title: 'The server failed' },
};

export class ApiError extends HttpException {
  constructor(
    readonly code: ProblemCode,
    detail?: string,
    readonly more: Pick<Problem, 'errors' | 'server_time'> = {},
    /** Of `rate-limited` and `unavailable`. */
    readonly retryAfterSeconds = 1,
  ) {
    super(detail ?? PROBLEMS[code].title, PROBLEMS[code].status);
    this.problem = { ...problemOf(code), ...(detail !== undefined && { detail }), ...more };
  }

  readonly problem: Problem;
}

export function problemOf(code: ProblemCode): Problem {
  return { type: `urn:shadownet:problem:${code}`, ...PROBLEMS[code], code };
}

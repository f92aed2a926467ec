// Who may call a route. Every route carries exactly one @Access: the server does not start with one that has none, or two.

import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiCookieAuth, ApiExtraModels, ApiHeader, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ProblemDto } from '../http/problem.dto.js';

/**
 * - `anybody`: no proof of anything; the route must not tell what only a member may know.
 * - `node`: who signs the request with a node's key. What that key may do is the route's matter.
 * - `viewer`: a person or program that may see the network: signed in, with an API token, or anybody with `--open`.
 * - `admin`: one that may change it: signed in as admin, with an admin's token, or at the local admin socket.
 */
export type AccessLevel = 'anybody' | 'node' | 'viewer' | 'admin';

const ACCESS = 'shadownet:access';

/** Of a controller, for all its routes, or of one route. */
export function Access(level: AccessLevel): ClassDecorator & MethodDecorator {
  return applyDecorators(
    SetMetadata(ACCESS, level),
    ...DESCRIPTIONS[level],
    ApiExtraModels(ProblemDto),
    ApiResponse({
      status: 'default',
      description: 'An error, by its code',
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) } } },
    }),
  );
}

/** What the route and its controller carry, in this order: one level, if all is right. */
export function accessLevelsOf(handler: object, controller: object): AccessLevel[] {
  return [handler, controller]
    .map((target) => Reflect.getMetadata(ACCESS, target) as AccessLevel | undefined)
    .filter((level) => level !== undefined);
}

const header = (name: string, description: string) => ApiHeader({ name, description, required: true });
const PERSON = [ApiBearerAuth('token'), ApiCookieAuth('session')];

/** How the API's description shows them. */
const DESCRIPTIONS: Readonly<Record<AccessLevel, (ClassDecorator & MethodDecorator)[]>> = {
  anybody: [],
  node: [
    header('content-digest', 'RFC 9530: sha-256 of the body, also of an empty one'),
    header('signature-input', 'RFC 9421: ("@method" "@path" "@query" "content-digest");created;keyid;alg;nonce'),
    header('signature', 'RFC 9421: hmac-sha256 under the key shared by node and server'),
  ],
  viewer: PERSON,
  admin: PERSON,
};

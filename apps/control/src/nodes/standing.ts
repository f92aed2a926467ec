// What a node may do by its standing: only members talk to the server and to each other.

import { assertNever } from '@shadownet/primitives';
import { ApiError } from '../http/api-error.js';
import type { NodeEntity } from './node.entity.js';

export function isMember({ standing }: NodeEntity): boolean {
  return standing === 'member';
}

/** An ephemeral node that is offline. One that is disabled is not: deleted, it could join anew. */
export function isLeftBehind({ ephemeral, online, standing }: NodeEntity): boolean {
  return ephemeral && !online && standing !== 'disabled';
}

/** Throws ApiError `approval-pending` and `node-disabled`. */
export function requireMember({ standing }: NodeEntity): void {
  switch (standing) {
    case 'member':
      return;
    case 'pending':
      throw new ApiError('approval-pending', 'Try again later.');
    case 'disabled':
      throw new ApiError('node-disabled', 'Ask an admin to enable it.');
    default:
      assertNever(standing);
  }
}

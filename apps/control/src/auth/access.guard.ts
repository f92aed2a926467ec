// Lets a request pass if its route's @Access allows who sent it. It guards every route, and none without an @Access.

import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { assertNever } from '@shadownet/primitives';
import type { Request } from 'express';
import { ApiError } from '../http/api-error.js';
import { accessLevelsOf } from './access.js';
import { PersonCheck } from './person-check.js';
import { setPerson } from './person.js';
import { SignatureGuard } from './signature.guard.js';

@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly signatures: SignatureGuard,
    private readonly people: PersonCheck,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const [level] = accessLevelsOf(context.getHandler(), context.getClass());
    switch (level) {
      case undefined:
        throw new ApiError('not-found');
      case 'anybody':
        return true;
      case 'node':
        return this.signatures.canActivate(context);
      case 'viewer':
      case 'admin': {
        const request = context.switchToHttp().getRequest<Request>();
        const person = await this.people.personOf(request);
        if (!person) throw new ApiError('sign-in-required');
        if (level === 'admin' && person.role !== 'admin') throw new ApiError('forbidden');
        setPerson(request, person);
        return true;
      }
      default:
        return assertNever(level);
    }
  }
}

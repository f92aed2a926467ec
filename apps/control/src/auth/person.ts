// Who asks a route of people: put on the request by the access guard, handed to routes by @CalledBy().

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Role } from '@shadownet/contracts';
import type { Request } from 'express';

export interface Person {
  readonly role: Role;
  /**
   * As the audit log names who did something: `local` (the admin socket), `account:NAME`, `oidc:NAME`, `token:NAME` or
   * `anybody` (a server with `--open`).
   */
  readonly actor: string;
  /** The local account that is signed in. */
  readonly account?: string;
}

const people = new WeakMap<object, Person>();

export function setPerson(request: Request, person: Person): void {
  people.set(request, person);
}

/** Undefined until the guard has let the request pass as a person's. */
export function personOf(request: object): Person | undefined {
  return people.get(request);
}

/** The Person of a route with @Access('viewer') or @Access('admin'). */
export const CalledBy = createParamDecorator((_: unknown, context: ExecutionContext): Person => {
  const person = personOf(context.switchToHttp().getRequest<Request>());
  if (!person) throw new Error('a route takes a person without @Access of viewer or admin');
  return person;
});

// Who signed a request: put on the request by the signature guard, handed to routes by @SignedBy().

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { PublicKeyText } from '@shadownet/primitives';
import type { Request } from 'express';
import type { NodeKeys } from './key-ring.js';

export interface Caller {
  readonly publicKey: PublicKeyText;
  readonly nonce: string;
  /** The request's Signature header: responses are bound to it. */
  readonly requestSignature: string;
  readonly keys: NodeKeys;
}

const callers = new WeakMap<object, Caller>();

export function setCaller(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** Undefined until the request's signature was verified. */
export function callerOf(request: Request): Caller | undefined {
  return callers.get(request);
}

/** The Caller of a route behind the signature guard. */
export const SignedBy = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const caller = callerOf(context.switchToHttp().getRequest<Request>());
  if (!caller) throw new Error('a route takes a caller without the signature guard');
  return caller;
});

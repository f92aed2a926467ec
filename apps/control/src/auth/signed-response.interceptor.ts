// Turns what a route returns into JSON text and signs exactly those bytes; or into a 304, signed too, if the client has them.

import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { encodeUtf8 } from '@shadownet/primitives';
import type { Request, Response } from 'express';
import { map, type Observable } from 'rxjs';
import { callerOf } from './caller.js';
import { ResponseSigner } from './response-signer.js';

@Injectable()
export class SignedResponseInterceptor implements NestInterceptor<unknown, string> {
  constructor(private readonly signer: ResponseSigner) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<string> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    const caller = callerOf(request)!;
    // Express would turn an answer into a 304 that the signature does not cover, and `If-None-Match: *` asks for one.
    const known = request.headers['if-none-match'];
    delete request.headers['if-none-match'];
    const response = http.getResponse<Response>();
    return next.handle().pipe(
      map((value) => {
        const unchanged = known !== undefined && known === response.get('etag');
        if (unchanged) response.status(304);
        const text = unchanged ? '' : JSON.stringify(value);
        response.type('application/json');
        response.set({ ...this.signer.sign(caller, response.statusCode, encodeUtf8(text)) });
        return text;
      }),
    );
  }
}

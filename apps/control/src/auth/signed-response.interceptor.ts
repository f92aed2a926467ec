// Turns what a route returns into JSON text and signs exactly those bytes.

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
    // A 304 would not be what the signature covers, and `If-None-Match: *` asks for one.
    delete request.headers['if-none-match'];
    const response = http.getResponse<Response>();
    return next.handle().pipe(
      map((value) => {
        const text = JSON.stringify(value);
        response.type('application/json');
        response.set({ ...this.signer.sign(caller, response.statusCode, encodeUtf8(text)) });
        return text;
      }),
    );
  }
}

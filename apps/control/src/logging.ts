// Logs: JSON lines on stderr. Requests are logged by method, URL, id and the person who asks; never their headers or bodies, which
// hold signatures, cookies and tokens. The id is in the answer, too (X-Request-Id). Heartbeats and the dashboard's polling are routine: debug.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Logger, type Params } from 'nestjs-pino';
import { type DestinationStream, type LevelWithSilent, type Logger as PinoLogger, pino } from 'pino';
import { personOf } from './auth/person.js';
import type { LogLevel } from './config.js';

const ROUTINE = /^(?:\/api\/v1)?\/(?:heartbeat|overview|healthz|livez|readyz|metrics)(?:\?|$)/;

export function createLogger(level: LogLevel, destination: DestinationStream = pino.destination(2)): PinoLogger {
  return pino({ level, redact: ['req.headers', 'res.headers'] }, destination);
}

export function loggingOptions(logger: PinoLogger): Params {
  return {
    pinoHttp: {
      logger,
      genReqId: (_request, response) => {
        const id = randomUUID();
        response.setHeader('x-request-id', id);
        return id;
      },
      customProps: (request) => {
        const person = personOf(request);
        return person ? { actor: person.actor } : {};
      },
      serializers: {
        req: ({ id, method, url }: { id: string; method: string; url: string }) => ({
          id,
          method,
          url: withoutSecrets(url),
        }),
        res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      },
      customLogLevel: levelOf,
    },
  };
}

function levelOf(request: IncomingMessage, response: ServerResponse, error?: Error): LevelWithSilent {
  if (error || response.statusCode >= 500) return 'error';
  if (response.statusCode >= 400) return 'warn';
  if (!isApi(request.url ?? '') || ROUTINE.test(request.url ?? '')) return 'debug';
  return 'info';
}

/** What an OpenID provider sends back could be used up by a reader of the log. */
function withoutSecrets(url: string): string {
  return url.replace(/^(\/api\/v1\/oidc\/callback)\?.*$/, '$1?…');
}

function isApi(url: string): boolean {
  return !/^\/(?:_next\/|$)|\.\w+(?:\?|$)/.test(url);
}

/** What the framework says about its own start is debug. */
@Injectable()
export class FrameworkLogger extends Logger {
  override log(message: unknown, ...rest: unknown[]): void {
    this.debug(message, ...(rest as []));
  }
}

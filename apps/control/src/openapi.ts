// The API's description, generated from the schemas of contracts, with a page that shows it. All its files come from here.

import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { NextFunction, Request, Response } from 'express';
import { cleanupOpenApiDoc } from 'nestjs-zod';
import { API } from './http/routes.js';
import { VERSION } from './version.js';

/** The page styles itself inline; everything that it loads lies beside it. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** GET /api/docs for people, /api/docs-json for programs. */
export function serveApiDescription(app: NestExpressApplication): void {
  const description = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('ShadowNet control server')
    .setDescription(
      'Nodes register, learn of each other and report here. Their requests, the responses and the stream’s events are signed ' +
        '(RFC 9421): docs/control-plane-api.md of the project tells how.',
    )
    .setVersion(VERSION)
    .build();
  const document = cleanupOpenApiDoc(
    SwaggerModule.createDocument(app, description, { operationIdFactory: (_controller, method) => method }),
  );
  leaveOutAliases(document);
  app.use('/api/docs', (_request: Request, response: Response, next: NextFunction) => {
    response.set('content-security-policy', PAGE_POLICY);
    next();
  });
  SwaggerModule.setup('api/docs', app, document, { customSiteTitle: 'ShadowNet API' });
}

/** Each route once: those at the root are the same as those under the prefix, whose operations Nest numbers for that. */
function leaveOutAliases({ paths }: OpenAPIObject): void {
  for (const [path, { get, post }] of Object.entries(paths)) {
    if (paths[`/${API}${path}`]) delete paths[path];
    for (const operation of [get, post]) {
      if (operation?.operationId) operation.operationId = operation.operationId.replace(/\[0\]$/, '');
    }
  }
}

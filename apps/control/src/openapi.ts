// The API's description, generated from the schemas of contracts, with a page that shows it. All its files come from here.

import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { cleanupOpenApiDoc } from 'nestjs-zod';
import { VERSION } from './version.js';

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
  const document = cleanupOpenApiDoc(SwaggerModule.createDocument(app, description));
  SwaggerModule.setup('api/docs', app, document, { customSiteTitle: 'ShadowNet API' });
}

// Serves the dashboard under every path that no other route has. Its module has to come last.

import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access } from '../auth/access.js';
import { CONFIG, type ControlConfig } from '../config.js';
import { ApiError } from '../http/api-error.js';
import { loadStaticSite, type Page, plainPage, type StaticSite } from './static-site.js';

@ApiExcludeController()
@Controller()
@Access('anybody')
export class DashboardController {
  readonly #site: StaticSite;

  constructor(@Inject(CONFIG) { dashboardDir }: ControlConfig) {
    this.#site = loadStaticSite(dashboardDir) ?? missingSite(dashboardDir);
  }

  @Get('{*path}')
  page(@Req() request: Request, @Res() response: Response): void {
    const page = this.#site.page(decodePath(request.path));
    if (page) return send(response.status(200), page);
    const isForPeople = request.accepts(['json', 'html']) === 'html' && !request.path.startsWith('/api/');
    if (!this.#site.notFound || !isForPeople) throw new ApiError('not-found');
    send(response.status(404), this.#site.notFound);
  }
}

function missingSite(directory: string): StaticSite {
  const page = plainPage(
    'ShadowNet',
    `The control server runs, but its dashboard is not at ${escapeHtml(directory)}. Run <code>npm run build</code> in the ` +
      'workspace and restart the server, or name another place with --dashboard-dir. The API is described at ' +
      '<a href="/api/docs">/api/docs</a>.',
  );
  return { page: (path) => (path === '/' ? page : undefined), notFound: undefined };
}

function send(response: Response, page: Page): void {
  response.set(page.headers);
  const isKnown = response.statusCode === 200 && response.req.headers['if-none-match'] === page.headers['etag'];
  if (isKnown) response.status(304).end();
  else response.end(response.req.method === 'HEAD' ? undefined : page.bytes);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

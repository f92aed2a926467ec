// The exported dashboard, read into memory once: which URL answers what, with which headers. The export is a few megabytes,
// and a URL can only ever name what was found then.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';

export interface Page {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface StaticSite {
  /** Undefined if there is nothing at that path. */
  page(path: string): Page | undefined;
  /** What a missing page answers. */
  readonly notFound: Page | undefined;
}

/** Undefined if the directory holds no export. */
export function loadStaticSite(directory: string): StaticSite | undefined {
  if (!statSync(join(directory, 'index.html'), { throwIfNoEntry: false })?.isFile()) return undefined;
  const pages = new Map<string, Page>();
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    const url = `/${relative(directory, path).split(sep).join('/')}`;
    const page = pageOf(url, readFileSync(path));
    for (const alias of urlsOf(url)) pages.set(alias, page);
  }
  return { page: (path) => pages.get(path), notFound: pages.get('/404.html') };
}

/** A page for people, when there is no dashboard. */
export function plainPage(title: string, text: string): Page {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${text}</p></html>`;
  return pageOf('/index.html', Buffer.from(html));
}

/** `/nodes.html` is also `/nodes`, and `/index.html` is `/`. */
function urlsOf(url: string): string[] {
  if (!url.endsWith('.html')) return [url];
  const clean = url.slice(0, -'.html'.length);
  if (!clean.endsWith('/index')) return [url, clean, `${clean}/`];
  const directory = clean.slice(0, -'index'.length);
  return directory === '/' ? [url, directory] : [url, directory, directory.slice(0, -1)];
}

function pageOf(url: string, bytes: Buffer): Page {
  const extension = extname(url).toLowerCase();
  const headers: Record<string, string> = {
    'content-type': CONTENT_TYPES[extension] ?? 'application/octet-stream',
    // Next names what lies there after its content.
    'cache-control': url.startsWith('/_next/static/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: `"${createHash('sha256').update(bytes).digest('base64url')}"`,
  };
  if (extension === '.html') headers['content-security-policy'] = contentSecurityPolicy(bytes.toString('utf8'));
  return { bytes, headers };
}

/**
 * Scripts: files of this server, and the inline ones that the page was exported with, by hash. Styles: files of this server.
 * Nothing comes from, goes to, or is framed by anywhere else.
 */
export function contentSecurityPolicy(html: string): string {
  const hashes = new Set(
    [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/gi)].map(
      ([, script]) => `'sha256-${createHash('sha256').update(script!).digest('base64')}'`,
    ),
  );
  return [
    "default-src 'none'",
    ["script-src 'self'", ...hashes].join(' '),
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

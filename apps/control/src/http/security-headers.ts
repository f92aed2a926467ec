// Headers of every response. A page's Content-Security-Policy comes with the page.

import type { RequestHandler } from 'express';

export function securityHeaders(): RequestHandler {
  return (_request, response, next) => {
    response.set({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    next();
  };
}

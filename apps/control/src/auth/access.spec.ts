// Every route that the server's router really has, asked by everybody who might: what is open is listed here.

import { METHODS } from 'node:http';
import { Get } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { problemSchema } from '@shadownet/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../testing/test-server.js';
import { Access, type AccessLevel } from './access.js';
import { requireAccess } from './route-access.js';

/** What anybody may ask: each of them tells nothing that only a member of the network may know. */
const OPEN_ROUTES = [
  'GET /api/v1/server',
  'GET /healthz',
  'GET /livez',
  'GET /readyz',
  // Signing in and out, and whether one is.
  'GET /api/v1/session',
  'POST /api/v1/session',
  'DELETE /api/v1/session',
  'POST /api/v1/setup',
  'GET /api/v1/oidc/start',
  'GET /api/v1/oidc/callback',
  // The dashboard's files.
  'GET /{*path}',
  // The API's description and its page.
  'GET /api/docs',
  'GET /api/docs/',
  'GET /api/docs/index.html',
  'GET /api/docs/LICENSE',
  'GET /api/docs/swagger-ui-init.js',
  'GET /api/docs/docs/swagger-ui-init.js',
  'GET /api/docs-json',
  'GET /api/docs-yaml',
];

/** What viewers may ask, too. All other routes of people are for admins. */
const VIEWER_ROUTES = [
  'GET /metrics',
  'GET /api/v1/overview',
  'GET /api/v1/links/:from/:to',
  'POST /api/v1/session/password',
  'GET /api/v1/nodes',
  'GET /api/v1/nodes/:id',
  'GET /api/v1/policy',
  'POST /api/v1/policy/preview',
  'GET /api/v1/policy/versions',
  'GET /api/v1/policy/versions/:version',
  'GET /api/v1/policy/can',
];

/** What only nodes may ask. */
const NODE_ROUTES = ['GET /peers', 'GET /events', 'POST /register', 'POST /heartbeat', 'POST /goodbye'].flatMap(
  (route) => [route, route.replace('/', '/api/v1/')],
);
NODE_ROUTES.push('POST /api/v1/calls', 'GET /api/v1/policy/can/own');

interface Route {
  readonly method: string;
  readonly path: string;
}

/** Of Express's own table, whoever put them there. What takes every method at every path is Nest's middleware. */
function routesOf(server: TestServer): Route[] {
  const app = server.running.app as NestExpressApplication;
  const { stack } = (app.getHttpAdapter().getInstance() as unknown as { router: { stack: Layer[] } }).router;
  return stack.flatMap(({ route }) => {
    if (!route || (route.path === '/{*path}' && METHODS.every((method) => route.methods[method.toLowerCase()])))
      return [];
    return Object.keys(route.methods).map((method) => ({ method: method.toUpperCase(), path: String(route.path) }));
  });
}

interface Layer {
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
}

const nameOf = ({ method, path }: Route) => `${method} ${path}`;

/** The path with something in place of its parameters. */
const exampleOf = ({ path }: Route) =>
  path.replace(/\{?\*\w+\}?/, 'x').replace(/:\w+/g, '0f8fad5b-d9cb-469f-a165-70867728950e');

describe('every route of the server', () => {
  let server: TestServer;
  let guarded: Route[];

  beforeAll(async () => {
    server = await TestServer.start({ open: false });
    guarded = routesOf(server).filter((route) => !OPEN_ROUTES.includes(nameOf(route)));
  });
  afterAll(() => server.stop());

  /** The code of a refusal that tells nothing but that; undefined if the request got past the guard. */
  async function refusalOf(response: { status: number; text: string; type: string }): Promise<string | undefined> {
    if (![401, 403].includes(response.status)) return undefined;
    expect(response.type).toMatch(/^application\/problem\+json/);
    const problem = problemSchema.strict().parse(JSON.parse(response.text));
    return problem.code;
  }

  async function ask({ method, path }: Route, headers: Record<string, string> = {}) {
    const json = method === 'GET' ? {} : { headers: { 'content-type': 'application/json', ...headers }, body: '{}' };
    const response = await fetch(server.url + exampleOf({ method, path }), { method, headers, ...json });
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') ?? '' };
  }

  it('is found in the router', () => {
    const found = routesOf(server).map(nameOf);
    for (const route of ['GET /api/v1/overview', ...NODE_ROUTES, ...OPEN_ROUTES]) expect(found).toContain(route);
  });

  it('is in the router by itself: nothing answers where there is none', async () => {
    expect(await ask({ method: 'POST', path: '/api/v1/nothing' })).toMatchObject({ status: 404 });
  });

  it('refuses who proves nothing, unless it is listed as open', async () => {
    for (const route of guarded) {
      const refusal = await refusalOf(await ask(route));
      expect(refusal, nameOf(route)).toBe(
        NODE_ROUTES.includes(nameOf(route)) ? 'signature-missing' : 'sign-in-required',
      );
    }
  });

  it('refuses a node, unless it is one for nodes', async () => {
    const node = server.node();
    for (const route of guarded.filter((one) => !NODE_ROUTES.includes(nameOf(one)))) {
      const call = node.sign(route.method as 'GET', exampleOf(route), route.method === 'GET' ? undefined : {});
      const response = await node.send(call);
      expect(response.status, nameOf(route)).toBe(401);
      expect(problemSchema.strict().parse(response.json).code).toBe('sign-in-required');
    }
  });

  it.each([
    ['viewer', 'forbidden'],
    ['admin', undefined],
  ] as const)('lets a %s do what that role may, and no more', async (role, refusalOfAdminRoutes) => {
    const headers = await server.token(role);
    for (const route of guarded) {
      const expected = NODE_ROUTES.includes(nameOf(route))
        ? 'signature-missing'
        : VIEWER_ROUTES.includes(nameOf(route))
          ? undefined
          : refusalOfAdminRoutes;
      expect(await refusalOf(await ask(route, headers)), nameOf(route)).toBe(expected);
    }
  });

  it('with --open counts everybody as viewer, and nobody as admin', async () => {
    const open = await TestServer.start({ open: true });
    for (const route of guarded.filter((one) => !NODE_ROUTES.includes(nameOf(one)))) {
      const response = await fetch(open.url + exampleOf(route), {
        method: route.method,
        ...(route.method !== 'GET' && { headers: { 'content-type': 'application/json' }, body: '{}' }),
      });
      if (VIEWER_ROUTES.includes(nameOf(route))) expect(response.status, nameOf(route)).not.toBe(403);
      else expect(response.status, nameOf(route)).toBe(403);
      await response.body?.cancel();
    }
    await open.stop();
  });
});

describe('a route', () => {
  /** A controller with one route. Decorators are called by hand: the tests' compiler has no syntax for them. */
  function controllerWith({ onRoute, onClass }: { onRoute?: AccessLevel; onClass?: AccessLevel }) {
    class Example {
      route(): void {}
    }
    const route = Object.getOwnPropertyDescriptor(Example.prototype, 'route')!;
    Get('a')(Example.prototype, 'route', route);
    if (onRoute) Access(onRoute)(Example.prototype, 'route', route);
    if (onClass) Access(onClass)(Example);
    return Example;
  }

  it('without an @Access, or with two, stops the server from starting', () => {
    const check = (levels: Parameters<typeof controllerWith>[0]) => () =>
      requireAccess(controllerWith(levels), new MetadataScanner());
    expect(check({})).toThrow('route Example.route has 0 @Access instead of one');
    expect(check({ onRoute: 'anybody', onClass: 'viewer' })).toThrow('has 2 @Access');
    expect(check({ onRoute: 'viewer' })).not.toThrow();
    expect(check({ onClass: 'viewer' })).not.toThrow();
  });
});

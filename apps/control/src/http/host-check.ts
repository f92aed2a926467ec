// Refuses requests under a foreign host name while the server listens on loopback only. Otherwise any web page could point a
// name of its own to 127.0.0.1 and read the network map with the visitor's browser (DNS rebinding).

import { ipAddressScope, parseIpAddress } from '@shadownet/primitives';
import type { RequestHandler } from 'express';
import { isAtAdminSocket } from '../auth/admin-socket.js';
import { ApiError } from './api-error.js';

/** Liveness probes of a supervisor may use any name: /healthz tells nothing. */
const EXEMPT = '/healthz';

/** `publicUrl` names the one other host that people may reach it by: through a proxy on this machine. */
export function hostCheck(publicUrl: string | undefined): RequestHandler {
  const publicHost = publicUrl === undefined ? undefined : new URL(publicUrl).host;
  return (request, _response, next) => {
    if (
      isAtAdminSocket(request) ||
      request.path === EXEMPT ||
      isLoopbackHost(request.headers.host) ||
      request.headers.host === publicHost
    )
      next();
    else
      next(
        new ApiError('host-not-allowed', 'Without --open the server answers only as localhost, 127.0.0.1 or [::1].'),
      );
  };
}

/** True for localhost and loopback addresses, with or without a port. */
export function isLoopbackHost(host: string | undefined): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]+))(?::\d{1,5})?$/i.exec(host ?? '');
  const name = match?.[1] ?? match?.[2];
  if (name === undefined) return false;
  if (name.toLowerCase() === 'localhost') return true;
  const address = parseIpAddress(name);
  return address !== undefined && ipAddressScope(address) === 'loopback';
}

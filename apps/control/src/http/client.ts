// Who is at the other end of a connection: its address, and whether the way to it is encrypted. Behind a trusted proxy that
// is what the proxy says (X-Forwarded-For, X-Forwarded-Proto); from anybody else those headers mean nothing.

import type { TLSSocket } from 'node:tls';
import { type IpAddress, type IpPrefix, ipPrefixContains, parseIpAddress } from '@shadownet/primitives';
import type { Request, RequestHandler } from 'express';

export interface Client {
  /** Undefined at the admin socket, and once the client has gone. */
  readonly address: IpAddress | undefined;
  readonly secure: boolean;
}

const clients = new WeakMap<object, Client>();

/** Has to come before everything that asks for a request's client. */
export function identifyClient(trustedProxies: readonly IpPrefix[]): RequestHandler {
  return (request, _response, next) => {
    clients.set(request, findClient(request, trustedProxies));
    next();
  };
}

export function clientOf(request: Request): Client {
  const client = clients.get(request);
  if (!client) throw new Error('clientOf before identifyClient');
  return client;
}

function findClient(request: Request, trusted: readonly IpPrefix[]): Client {
  const nearest = parseIpAddress(request.socket.remoteAddress ?? '');
  const secure = (request.socket as Partial<TLSSocket>).encrypted === true;
  const isTrusted = (address: IpAddress) => trusted.some((prefix) => ipPrefixContains(prefix, address));
  if (!nearest || !isTrusted(nearest)) return { address: nearest, secure };
  return {
    address: forwardedAddress(request, nearest, isTrusted),
    secure: secure || lastOf(request.headers['x-forwarded-proto']) === 'https',
  };
}

/** Each proxy adds whom it heard to the end: the last one that is no proxy of ours is the client. */
function forwardedAddress(request: Request, proxy: IpAddress, isTrusted: (address: IpAddress) => boolean): IpAddress {
  let client = proxy;
  for (const text of listOf(request.headers['x-forwarded-for']).reverse()) {
    const address = parseIpAddress(text);
    if (!address) break;
    client = address;
    if (!isTrusted(address)) break;
  }
  return client;
}

function listOf(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((part) => part.trim());
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return listOf(header).at(-1);
}

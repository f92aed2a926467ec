// Bytes of one UAPI connection to requests. A request begins with `get=1` or `set=1` and ends with an empty line; many may
// follow each other. Used by whoever serves the socket, one reader for each connection.

import { assertNever, type ZoneLookup } from '@shadownet/primitives';
import { ChangeBuilder } from './change-builder.js';
import { LineSplitter } from './line-splitter.js';
import { UapiErrno } from './uapi-errno.js';
import type { UapiOperation, UapiRequest } from './uapi-request.js';
import { readText } from './uapi-values.js';

/** The longest line of the protocol, a private key, has 76 bytes. */
const MAX_LINE_BYTES = 512;
/** Room for 65,536 peers with all fields and two allowed IPs each. */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

const EQUALS_SIGN = 0x3d;

type State =
  | { readonly kind: 'between' }
  | { readonly kind: 'get' }
  | { readonly kind: 'set'; readonly builder: ChangeBuilder }
  /** The rest of a faulty request is read, so that the next one is found. */
  | { readonly kind: 'skipping'; readonly operation: UapiOperation; readonly errno: UapiErrno; readonly detail: string }
  | { readonly kind: 'lost' };

export interface RequestReaderOptions {
  readonly maxLineBytes?: number;
  readonly maxRequestBytes?: number;
  /** For endpoints with a zone; without it, and with one that it does not know, they are refused. */
  readonly zoneNumber?: ZoneLookup | undefined;
}

export class RequestReader {
  readonly #lines: LineSplitter;
  readonly #maxRequestBytes: number;
  readonly #zoneNumber: ZoneLookup | undefined;
  #state: State = { kind: 'between' };
  #requestBytes = 0;

  constructor(options: RequestReaderOptions = {}) {
    const { maxLineBytes = MAX_LINE_BYTES, maxRequestBytes = MAX_REQUEST_BYTES, zoneNumber } = options;
    this.#lines = new LineSplitter(maxLineBytes);
    this.#maxRequestBytes = maxRequestBytes;
    this.#zoneNumber = zoneNumber;
  }

  /** The requests that `bytes` complete, in order. After one whose connection is 'lost' there are no more. */
  push(bytes: Uint8Array): UapiRequest[] {
    const requests: UapiRequest[] = [];
    const taken = this.#lines.push(bytes, (line) => {
      const request = this.#onLine(line);
      if (request) requests.push(request);
      return this.#state.kind === 'lost' ? 'stop' : 'more';
    });
    if (taken === 'too-long') requests.push(this.#lose(UapiErrno.EMSGSIZE, 'a line is too long'));
    return requests;
  }

  /** The connection ended: zeroes the secrets of a request that was never completed. */
  end(): void {
    this.#lines.end();
    this.#become({ kind: 'lost' });
  }

  #onLine(line: Uint8Array): UapiRequest | undefined {
    this.#requestBytes += line.length + 1;
    if (this.#requestBytes > this.#maxRequestBytes) return this.#lose(UapiErrno.EMSGSIZE, 'the request is too large');
    if (line.length === 0) return this.#finish();
    const equals = line.indexOf(EQUALS_SIGN);
    const key = equals > 0 ? readText(line.subarray(0, equals)) : undefined;
    const value = line.subarray(equals + 1);
    switch (this.#state.kind) {
      case 'between':
        return this.#begin(key, value);
      case 'get':
        return void this.#skip('get', UapiErrno.EINVAL, 'a get takes no fields');
      case 'set':
        if (key === undefined) return void this.#skip('set', UapiErrno.EPROTO, 'a line is not key=value');
        if (!this.#state.builder.add(key, value)) this.#skip('set', UapiErrno.EINVAL, `refused: ${key}`);
        return undefined;
      case 'skipping':
      case 'lost':
        return undefined;
      default:
        return assertNever(this.#state);
    }
  }

  #begin(key: string | undefined, value: Uint8Array): UapiRequest | undefined {
    if ((key !== 'get' && key !== 'set') || readText(value) !== '1') {
      return this.#lose(UapiErrno.EPROTO, 'neither get=1 nor set=1');
    }
    this.#become(key === 'get' ? { kind: 'get' } : { kind: 'set', builder: new ChangeBuilder(this.#zoneNumber) });
    return undefined;
  }

  /** The empty line. Between requests it means nothing. */
  #finish(): UapiRequest | undefined {
    const state = this.#state;
    this.#requestBytes = 0;
    if (state.kind === 'lost') return undefined;
    this.#state = { kind: 'between' };
    switch (state.kind) {
      case 'between':
        return undefined;
      case 'get':
        return { kind: 'get' };
      case 'set':
        return { kind: 'set', change: state.builder.finish() };
      case 'skipping': {
        const { operation, errno, detail } = state;
        return { kind: 'invalid', operation, errno, detail, connection: 'goes-on' };
      }
      default:
        return assertNever(state);
    }
  }

  #skip(operation: UapiOperation, errno: UapiErrno, detail: string): void {
    this.#become({ kind: 'skipping', operation, errno, detail });
  }

  #lose(errno: UapiErrno, detail: string): UapiRequest {
    const state = this.#state;
    const operation = state.kind === 'skipping' ? state.operation : state.kind === 'set' ? 'set' : 'get';
    this.#become({ kind: 'lost' });
    return { kind: 'invalid', operation, errno, detail, connection: 'lost' };
  }

  #become(state: State): void {
    if (this.#state.kind === 'set') this.#state.builder.discard();
    this.#state = state;
  }
}

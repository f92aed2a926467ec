// HTTP message signatures (RFC 9421, hmac-sha256) between node and control server, over exactly these components:
//
//   request   "@method" "@path" "@query" "content-digest"        with created, keyid (the node's public key), nonce
//   response  "@status" "content-digest" "signature";req          the request's signature binds it to the request's nonce
//   event     nonce of the stream's request, sequence, type, payload
//
// Each has a key of its own (libs/crypto deriveLabelledKey). Other component lists are refused: there is one form to get
// right. The MAC is injected, so the same code runs on both ends.

import { concatBytes, decodeBase64, encodeBase64, encodeUtf8 } from '@shadownet/primitives';
import type { StreamEnvelope } from './stream-event.js';

/** What signatures need of a CryptoProvider. */
export interface SignatureCrypto {
  sha256(input: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, input: Uint8Array): Uint8Array;
  /** Constant-time equality. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

export interface SignedRequest {
  /** Upper case. */
  readonly method: string;
  /** The absolute path, as sent. */
  readonly path: string;
  /** The query with its leading `?`, or `?` alone if there is none (RFC 9421 §2.2.7). */
  readonly query: string;
  readonly body: Uint8Array;
}

export interface SignatureParameters {
  /** Seconds since the Unix epoch by the signer's clock. */
  readonly created: number;
  /** The signer's public key, base64. */
  readonly keyId: string;
  /** Base64 of 16 random bytes. */
  readonly nonce: string;
}

export interface SignatureHeaders {
  readonly 'content-digest': string;
  readonly 'signature-input': string;
  readonly signature: string;
}

export type SignatureRefusal = 'signature-missing' | 'signature-malformed' | 'digest-mismatch' | 'signature-mismatch';

const LABEL = 'shadownet';
const REQUEST_COMPONENTS = '("@method" "@path" "@query" "content-digest")';
const RESPONSE_COMPONENTS = `("@status" "content-digest" "signature";req;key="${LABEL}")`;
const PARAMETERS =
  /^;created=(\d{1,12});keyid="([A-Za-z0-9+/=]{44})";alg="hmac-sha256";nonce="([A-Za-z0-9+/=]{16,64})"$/;

/** The headers that sign a request. `key` is 32 bytes. */
export function signRequest(
  crypto: SignatureCrypto,
  key: Uint8Array,
  request: SignedRequest,
  parameters: SignatureParameters,
): SignatureHeaders {
  const digest = contentDigest(crypto, request.body);
  const input = REQUEST_COMPONENTS + formatParameters(parameters);
  const mac = crypto.hmacSha256(key, requestBase(request, digest, input));
  return signatureHeaders(digest, input, mac);
}

/** Reads the parameters of a request's signature without checking it: the key id tells which key to check it with. */
export function readRequestSignature(
  headers: Partial<Record<keyof SignatureHeaders, string>>,
): { ok: true; parameters: SignatureParameters } | { ok: false; reason: SignatureRefusal } {
  return readSignature(headers, REQUEST_COMPONENTS);
}

export function verifyRequest(
  crypto: SignatureCrypto,
  key: Uint8Array,
  request: SignedRequest,
  headers: Partial<Record<keyof SignatureHeaders, string>>,
): { ok: true; parameters: SignatureParameters } | { ok: false; reason: SignatureRefusal } {
  const read = readRequestSignature(headers);
  if (!read.ok) return read;
  const digest = contentDigest(crypto, request.body);
  if (headers['content-digest'] !== digest) return { ok: false, reason: 'digest-mismatch' };
  const input = REQUEST_COMPONENTS + formatParameters(read.parameters);
  const mac = crypto.hmacSha256(key, requestBase(request, digest, input));
  return macMatches(crypto, headers, mac) ? read : { ok: false, reason: 'signature-mismatch' };
}

/** The headers that sign a response. `requestSignature` is the `signature` header of the request that it answers. */
export function signResponse(
  crypto: SignatureCrypto,
  key: Uint8Array,
  response: { readonly status: number; readonly body: Uint8Array; readonly requestSignature: string },
  parameters: SignatureParameters,
): SignatureHeaders {
  const digest = contentDigest(crypto, response.body);
  const input = RESPONSE_COMPONENTS + formatParameters(parameters);
  const mac = crypto.hmacSha256(key, responseBase(response, digest, input));
  return signatureHeaders(digest, input, mac);
}

export function verifyResponse(
  crypto: SignatureCrypto,
  key: Uint8Array,
  response: { readonly status: number; readonly body: Uint8Array; readonly requestSignature: string },
  headers: Partial<Record<keyof SignatureHeaders, string>>,
): { ok: true; parameters: SignatureParameters } | { ok: false; reason: SignatureRefusal } {
  const read = readSignature(headers, RESPONSE_COMPONENTS);
  if (!read.ok) return read;
  const digest = contentDigest(crypto, response.body);
  if (headers['content-digest'] !== digest) return { ok: false, reason: 'digest-mismatch' };
  const input = RESPONSE_COMPONENTS + formatParameters(read.parameters);
  const mac = crypto.hmacSha256(key, responseBase(response, digest, input));
  return macMatches(crypto, headers, mac) ? read : { ok: false, reason: 'signature-mismatch' };
}

/** An envelope for the stream that was opened by the request with `nonce`. */
export function signEvent(
  crypto: SignatureCrypto,
  key: Uint8Array,
  nonce: string,
  event: { readonly sequence: number; readonly type: string; readonly payload: string },
): StreamEnvelope {
  return { ...event, signature: encodeBase64(crypto.hmacSha256(key, eventBase(nonce, event))) };
}

/** True if the envelope was made for this stream, at this place in it. */
export function verifyEvent(
  crypto: SignatureCrypto,
  key: Uint8Array,
  nonce: string,
  expectedSequence: number,
  envelope: StreamEnvelope,
): boolean {
  const mac = decodeBase64(envelope.signature);
  return (
    mac !== undefined &&
    envelope.sequence === expectedSequence &&
    crypto.equal(mac, crypto.hmacSha256(key, eventBase(nonce, envelope)))
  );
}

function requestBase(request: SignedRequest, digest: string, input: string): Uint8Array {
  return encodeUtf8(
    `"@method": ${request.method}\n"@path": ${request.path}\n"@query": ${request.query}\n` +
      `"content-digest": ${digest}\n"@signature-params": ${input}`,
  );
}

function responseBase(
  response: { readonly status: number; readonly requestSignature: string },
  digest: string,
  input: string,
): Uint8Array {
  const requestMac = dictionaryMember(response.requestSignature) ?? '';
  return encodeUtf8(
    `"@status": ${response.status}\n"content-digest": ${digest}\n"signature";req;key="${LABEL}": ${requestMac}\n` +
      `"@signature-params": ${input}`,
  );
}

/** Length-prefixed where the text is free, so that no two events have the same base. */
function eventBase(
  nonce: string,
  event: { readonly sequence: number; readonly type: string; readonly payload: string },
): Uint8Array {
  const head = encodeUtf8(`${nonce}\n${event.sequence}\n${event.type.length}\n${event.type}\n`);
  return concatBytes(head, encodeUtf8(event.payload));
}

/** RFC 9530 §2. */
function contentDigest(crypto: SignatureCrypto, body: Uint8Array): string {
  return `sha-256=:${encodeBase64(crypto.sha256(body))}:`;
}

function formatParameters({ created, keyId, nonce }: SignatureParameters): string {
  return `;created=${created};keyid="${keyId}";alg="hmac-sha256";nonce="${nonce}"`;
}

function signatureHeaders(digest: string, input: string, mac: Uint8Array): SignatureHeaders {
  return {
    'content-digest': digest,
    'signature-input': `${LABEL}=${input}`,
    signature: `${LABEL}=:${encodeBase64(mac)}:`,
  };
}

function readSignature(
  headers: Partial<Record<keyof SignatureHeaders, string>>,
  components: string,
): { ok: true; parameters: SignatureParameters } | { ok: false; reason: SignatureRefusal } {
  const { 'signature-input': input, signature, 'content-digest': digest } = headers;
  if (input === undefined || signature === undefined || digest === undefined)
    return { ok: false, reason: 'signature-missing' };
  const prefix = `${LABEL}=${components}`;
  const match = input.startsWith(prefix) ? PARAMETERS.exec(input.slice(prefix.length)) : null;
  if (!match) return { ok: false, reason: 'signature-malformed' };
  return { ok: true, parameters: { created: Number(match[1]), keyId: match[2]!, nonce: match[3]! } };
}

function macMatches(
  crypto: SignatureCrypto,
  headers: Partial<Record<keyof SignatureHeaders, string>>,
  mac: Uint8Array,
): boolean {
  const claimed = decodeBase64(dictionaryMember(headers.signature ?? '')?.slice(1, -1) ?? '');
  return claimed !== undefined && crypto.equal(claimed, mac);
}

/** The byte sequence `:…:` of our label in a Signature header (RFC 8941 §3.2), if the header has nothing else. */
function dictionaryMember(header: string): string | undefined {
  const match = new RegExp(`^${LABEL}=(:[A-Za-z0-9+/=]+:)$`).exec(header);
  return match?.[1];
}

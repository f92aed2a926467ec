// What HTTP over undici fails with, as one line.

/** How undici and its parser name a connection that ended in the middle of something. */
const CONNECTION_CLOSED = new Set(['UND_ERR_SOCKET', 'HPE_INVALID_EOF_STATE', 'ECONNRESET', 'EPIPE']);

/** `connect ECONNREFUSED 203.0.113.10:8080`; an AggregateError has its reason within. */
export function describeTransportError(error: unknown): string {
  const inner: unknown = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  if (!(inner instanceof Error)) return String(inner);
  if (inner.name === 'TimeoutError') return 'no answer in time';
  if ('code' in inner && CONNECTION_CLOSED.has(String(inner.code))) return 'the connection was closed';
  return inner.message || inner.name;
}

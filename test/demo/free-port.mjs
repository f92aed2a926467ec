// Whether the dashboard's port on localhost is free.
import { createServer } from 'node:net';

/** One line for the user if `port` cannot be had; undefined if it can. */
export function whyPortIsTaken(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(describe(error, port)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}

function describe(error, port) {
  if (error.code === 'EADDRINUSE') {
    return `port ${port} of localhost is taken: end what listens there (see "ss -ltnp"), or choose another with "npm run demo -- --port ${port === 8081 ? 8082 : 8081}".`;
  }
  return `port ${port} of localhost cannot be had: ${error.message}.`;
}

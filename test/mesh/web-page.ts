// Serving a web page on one host and fetching it from another.
import { eventually } from '../lab/eventually.js';
import { type LabHost } from '../lab/lab.js';
import { type LabProcess } from '../lab/lab-process.js';
import { inRepository } from '../lab/repository.js';

/** Returns when the server listens on `address`, which must be one of `host`. */
export async function serveWebPage(host: LabHost, address: string, port = 80): Promise<LabProcess> {
  const program = inRepository('test/mesh/web-server.mjs');
  const server = host.spawn([process.execPath, program, address, String(port), host.label]);
  let listening = false;
  server.onLine(() => (listening = true));
  await eventually(`the web server of ${host.label}`, 10_000, () => {
    if (!server.running) throw new Error(server.stderrTail);
    return listening ? true : undefined;
  });
  return server;
}

export async function fetchWebPage(host: LabHost, address: string, port = 80): Promise<string> {
  return (await host.run(['curl', '-sS', '--fail', '--max-time', '10', `http://${address}:${String(port)}/`])).stdout;
}

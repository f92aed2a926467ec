// Makes the control server of the lab reachable at http://localhost:PORT of the machine, without a route or a device between them:
// localhost → this process → unix socket → forwarder-process.mjs in the server's namespace → the server.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../lab/eventually.js';
import { inRepository } from '../lab/repository.js';
import { type ControlServer } from '../mesh/control-server.js';

const LOOPBACK = ['127.0.0.1', '::1'];

export class DashboardForwarder {
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Socket>();

  private constructor(private readonly path: string) {}

  static async start(control: ControlServer, port: number, tempDir: string): Promise<DashboardForwarder> {
    const path = join(tempDir, 'dashboard.sock');
    const program = inRepository('test/demo/forwarder-process.mjs');
    const child = control.host.spawn([process.execPath, program, path, control.host.address, String(control.port)]);
    let listening = false;
    child.onLine(() => (listening = true));
    await eventually('the forwarder of the dashboard', 10_000, () => {
      if (!child.running) throw new Error(child.stderrTail);
      return listening ? true : undefined;
    });
    const forwarder = new DashboardForwarder(path);
    for (const address of LOOPBACK) await forwarder.#listen(address, port);
    return forwarder;
  }

  /** Also ends the connections that a browser holds open. */
  close(): void {
    for (const server of this.#servers) server.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #listen(address: string, port: number): Promise<void> {
    const server = createServer((outer) => this.#forward(outer));
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        // A machine without IPv6 has no ::1; localhost is 127.0.0.1 there.
        if (address === '::1' && error.code !== 'EADDRINUSE') resolve();
        else reject(error);
      });
      server.listen(port, address, () => {
        this.#servers.push(server);
        resolve();
      });
    });
  }

  #forward(outer: Socket): void {
    const inner = connect(this.path);
    outer.pipe(inner).pipe(outer);
    outer.on('error', () => inner.destroy());
    inner.on('error', () => outer.destroy());
    for (const socket of [outer, inner]) {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
    }
  }
}

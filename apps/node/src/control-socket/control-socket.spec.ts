import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_CONNECTIONS, MAX_REQUEST_BYTES } from './control-protocol.js';
import { askNode, isNodeListening, stopNode } from './control-socket-client.js';
import { ControlSocketServer } from './control-socket-server.js';

describe('the control socket', () => {
  let parent: string;
  let path: string;
  let servers: ControlSocketServer[];
  const connections: Socket[] = [];
  const asked: string[] = [];

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'shadownet-socket-'));
    path = join(parent, 'run', 'test0.sock');
    servers = [];
    asked.length = 0;
  });
  afterEach(() => {
    for (const connection of connections.splice(0)) connection.destroy();
    for (const server of servers) server.close();
    rmSync(parent, { recursive: true });
  });

  async function listen(): Promise<ControlSocketServer> {
    const server = await ControlSocketServer.listen(
      { interfaceName: 'test0', runDirectory: join(parent, 'run') },
      ({ command }) => {
        asked.push(command);
        return { ok: true, result: { answered: command } };
      },
    );
    servers.push(server);
    return server;
  }

  function open(): Socket {
    const connection = connect(path);
    connection.on('error', () => connection.destroy());
    connections.push(connection);
    return connection;
  }

  const closed = (connection: Socket) => new Promise<void>((resolve) => connection.once('close', () => resolve()));
  const firstLine = (connection: Socket) =>
    new Promise<string>((resolve) => connection.once('data', (bytes) => resolve(String(bytes))));

  it('answers requests, line by line', async () => {
    await listen();
    expect(await askNode(path, { command: 'status' })).toEqual({ answered: 'status' });
  });

  it('is for its owner alone, in a directory for its owner alone', async () => {
    const umask = process.umask(0);
    try {
      await listen();
    } finally {
      process.umask(umask);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(parent, 'run')).mode & 0o777).toBe(0o700);
  });

  it('is not made in a directory that others can write into', async () => {
    mkdirSync(join(parent, 'run'));
    chmodSync(join(parent, 'run'), 0o777);
    await expect(listen()).rejects.toMatchObject({ code: 'state-exposed' });
  });

  it('is not taken from a node that runs', async () => {
    await listen();
    await expect(listen()).rejects.toMatchObject({ code: 'already-running' });
    expect(await askNode(path, { command: 'status' })).toEqual({ answered: 'status' });
  });

  it('is taken from a node that died', async () => {
    mkdirSync(join(parent, 'run'), { mode: 0o700 });
    // A socket file that nobody listens on is what kill -9 leaves: bind, then keep the file while closing.
    const dead = createServer().listen(`${path}.dead`);
    await new Promise((resolve) => dead.once('listening', resolve));
    const { linkSync } = await import('node:fs');
    linkSync(`${path}.dead`, path);
    await new Promise((resolve) => dead.close(resolve));
    expect(existsSync(path)).toBe(true);
    expect(await isNodeListening(path)).toBe(false);
    await listen();
    expect(await isNodeListening(path)).toBe(true);
  });

  it('is gone after close', async () => {
    (await listen()).close();
    expect(existsSync(path)).toBe(false);
    await expect(askNode(path, { command: 'status' })).rejects.toMatchObject({ code: 'not-running' });
  });

  it('answers what is no request with an error, and goes on', async () => {
    await listen();
    const connection = open();
    for (const line of ['nonsense', '{"command":"reboot"}', 'null', '[]']) {
      connection.write(`${line}\n`);
      expect(JSON.parse(await firstLine(connection))).toEqual({ ok: false, error: 'not a request' });
    }
    expect(asked).toEqual([]);
  });

  it('closes a connection whose line is too long, ended or not', async () => {
    await listen();
    const endless = open();
    endless.write('x'.repeat(MAX_REQUEST_BYTES + 1));
    await closed(endless);
    const ended = open();
    ended.write(`${'x'.repeat(MAX_REQUEST_BYTES + 1)}\n`);
    await closed(ended);
    expect(asked).toEqual([]);
  });

  it('closes connections beyond the limit', async () => {
    await listen();
    const held = Array.from({ length: MAX_CONNECTIONS }, () => open());
    await Promise.all(held.map((connection) => new Promise((resolve) => connection.once('connect', resolve))));
    await closed(open());
    held[0]!.destroy();
    await expect
      .poll(() => askNode(path, { command: 'status' }).catch(() => undefined))
      .toEqual({ answered: 'status' });
  });

  it('says so if something else answers on it', async () => {
    mkdirSync(join(parent, 'run'), { mode: 0o700 });
    const other = createServer((socket) => void socket.end('hello\n')).listen(path);
    await expect(askNode(path, { command: 'status' })).rejects.toMatchObject({ code: 'socket-unusable' });
    other.close();
  });

  it('lets down wait until the process has closed the connection', async () => {
    let peer: Socket | undefined;
    mkdirSync(join(parent, 'run'), { mode: 0o700 });
    const node = createServer((socket) => {
      peer = socket;
      socket.on('data', () => socket.write('{"ok":true,"result":null}\n'));
    }).listen(path);
    let returned = false;
    const stopping = stopNode(path, 5_000).then(() => (returned = true));
    await expect.poll(() => peer?.bytesWritten).toBeGreaterThan(0);
    expect(returned).toBe(false);
    peer!.destroy();
    await stopping;
    node.close();
  });
});

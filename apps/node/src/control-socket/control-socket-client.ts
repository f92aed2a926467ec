// The CLI's end of the local control socket.

import { connect, type Socket } from 'node:net';
import { NodeError } from '../node-error.js';
import { type ControlReply, type ControlRequest, MAX_REPLY_BYTES } from './control-protocol.js';

const CONNECT_TIMEOUT_MS = 2_000;

/** True if a process accepts connections on the socket. */
export async function isNodeListening(path: string): Promise<boolean> {
  try {
    (await open(path)).destroy();
    return true;
  } catch {
    return false;
  }
}

/** Asks the running node. Throws `not-running`, or `socket-unusable` if it does not answer in time or not in our words. */
export async function askNode(path: string, request: ControlRequest, timeoutMs = 5_000): Promise<unknown> {
  const connection = await openOrExplain(path);
  try {
    return await exchange(connection, request, timeoutMs);
  } finally {
    connection.destroy();
  }
}

/** Asks the running node to stop and waits until its process has closed the connection. Throws as `askNode` does. */
export async function stopNode(path: string, timeoutMs: number): Promise<void> {
  const connection = await openOrExplain(path);
  try {
    const closed = new Promise<void>((resolve) => connection.once('close', () => resolve()));
    await exchange(connection, { command: 'stop' }, timeoutMs);
    connection.resume();
    await within(timeoutMs, closed, 'the node did not stop in time');
  } finally {
    connection.destroy();
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const connection = connect(path, () => {
      connection.off('error', reject);
      connection.setTimeout(0);
      connection.on('error', () => connection.destroy());
      resolve(connection);
    });
    connection.once('error', reject);
    connection.setTimeout(CONNECT_TIMEOUT_MS, () => connection.destroy(new Error('timed out')));
  });
}

async function openOrExplain(path: string): Promise<Socket> {
  try {
    return await open(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES')
      throw new NodeError('needs-privilege', `no permission for ${path}: run as the user who ran up`);
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') {
      throw new NodeError('not-running', `no node is running (nothing answers on ${path})`);
    }
    throw new NodeError('socket-unusable', `${path}: ${message}`, { cause: error });
  }
}

async function exchange(connection: Socket, request: ControlRequest, timeoutMs: number): Promise<unknown> {
  connection.write(`${JSON.stringify(request)}\n`);
  const line = await within(timeoutMs, readLine(connection), 'the node did not answer in time');
  const reply = parseReply(line);
  if (!reply.ok) throw new NodeError('socket-unusable', `the node refused: ${reply.error}`);
  return reply.result;
}

function parseReply(line: string): ControlReply {
  try {
    return JSON.parse(line) as ControlReply;
  } catch (error) {
    throw new NodeError('socket-unusable', 'what answers is no node', { cause: error });
  }
}

function readLine(connection: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    connection.once('close', () => reject(new NodeError('socket-unusable', 'the node closed the connection')));
    connection.on('data', (bytes: Buffer) => {
      parts.push(bytes);
      length += bytes.length;
      if (length > MAX_REPLY_BYTES) connection.destroy();
      if (!bytes.includes(0x0a)) return;
      const text = Buffer.concat(parts).toString('utf8');
      resolve(text.slice(0, text.indexOf('\n')));
    });
  });
}

function within<T>(timeoutMs: number, promise: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new NodeError('socket-unusable', message)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

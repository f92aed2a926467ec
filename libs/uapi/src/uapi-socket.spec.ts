// The UAPI socket over real Unix sockets, in a folder of its own.
import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type DeviceChange, type UapiDevice, UapiErrno } from '@shadownet/wireguard';
import { Secret } from '@shadownet/primitives';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { isServed, type UapiLog, UapiSocket, uapiSocketPath, type UapiTarget } from './uapi-socket.js';

const silent: UapiLog = { event: () => undefined };
const KEY = 'ab'.repeat(32);

/** Takes any port but one. */
class OnePortTaken implements UapiTarget {
  listenPort = 0;
  readonly secrets: Secret[] = [];
  settled = (): Promise<void> => Promise.resolve();

  describe(): UapiDevice {
    return { privateKey: undefined, listenPort: this.listenPort, firewallMark: 0, peers: [] };
  }

  apply(change: DeviceChange): UapiErrno | 0 {
    if (change.privateKey instanceof Secret) this.secrets.push(change.privateKey);
    if (change.listenPort === 1) return UapiErrno.EADDRINUSE;
    this.listenPort = change.listenPort ?? this.listenPort;
    return 0;
  }
}

let path: string;
let target: OnePortTaken;
beforeEach(() => {
  const directory = mkdtempSync(join(tmpdir(), 'shadownet-uapi-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  path = uapiSocketPath('wg0', join(directory, 'run'));
  target = new OnePortTaken();
});

async function listen(): Promise<UapiSocket> {
  const socket = await UapiSocket.listen(path, target, silent);
  onTestFinished(() => socket.close());
  return socket;
}

/** All that is answered to `text` until the server or, after the last answer, this client ends the connection. */
async function ask(text: string, answers: number): Promise<string> {
  const connection = connect(path);
  onTestFinished(() => void connection.destroy());
  connection.write(text);
  let received = '';
  for await (const bytes of connection) {
    received += (bytes as Buffer).toString();
    if (received.split('\n\n').length > answers) break;
  }
  return received;
}

describe('the UAPI socket', () => {
  it('is for its owner alone', async () => {
    await listen();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  });

  it('is alone in its folder, under its own name', async () => {
    await listen();
    expect(readdirSync(dirname(path))).toEqual(['wg0.sock']);
  });

  it('is refused where its name would be cut off', async () => {
    path = uapiSocketPath('wg0', join(dirname(path), 'x'.repeat(100)));
    await expect(listen()).rejects.toMatchObject({ code: 'socket-unusable' });
  });

  it('answers several requests on one connection, in order', async () => {
    await listen();
    const answer = await ask('set=1\nlisten_port=7\n\nget=1\n\nset=1\nlisten_port=1\n\nget=1\nx=y\n\nget=1\n\n', 5);
    expect(answer).toBe(
      `errno=0\n\nlisten_port=7\nerrno=0\n\nerrno=-98\n\nerrno=${String(UapiErrno.EINVAL)}\n\nlisten_port=7\nerrno=0\n\n`,
    );
  });

  it('answers a set, and what comes after it, when nothing that it withdrew is used any more', async () => {
    await listen();
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    let isAnswered = false;
    const called = new Promise<void>((resolve) => {
      target.settled = () => {
        resolve();
        return settled;
      };
    });
    const answer = ask('set=1\nlisten_port=7\n\nget=1\n\n', 2).finally(() => (isAnswered = true));
    await called;
    // Applied, and others are served meanwhile.
    expect(await ask('get=1\n\n', 1)).toBe('listen_port=7\nerrno=0\n\n');
    expect(isAnswered).toBe(false);
    settle();
    expect(await answer).toBe('errno=0\n\nlisten_port=7\nerrno=0\n\n');
  });

  it('answers what it does not understand and hangs up', async () => {
    await listen();
    expect(await ask('list=1\n\nget=1\n\n', 99)).toBe('errno=71\n\n');
    expect(await ask(`set=1\n${'x'.repeat(1000)}\n\n`, 99)).toBe('errno=-90\n\n');
  });

  it('zeroes the keys of a change, whether it was applied or not', async () => {
    await listen();
    await ask(`set=1\nprivate_key=${KEY}\n\nset=1\nprivate_key=${KEY}\nlisten_port=1\n\n`, 2);
    expect(target.secrets.map((secret) => secret.expose())).toEqual([new Uint8Array(32), new Uint8Array(32)]);
  });

  it('survives clients that leave in the middle', async () => {
    await listen();
    const rude = connect(path);
    rude.write('get=1\n\nset=1\nlisten_p');
    await once(rude, 'data');
    rude.destroy();
    expect(await ask('get=1\n\n', 1)).toBe('errno=0\n\n');
  });

  it('takes the place of a socket that nobody serves, not of one that somebody does', async () => {
    const orphan = createServer();
    const first = await listen();
    await expect(UapiSocket.listen(path, target, silent)).rejects.toMatchObject({ code: 'socket-in-use' });
    first.close();

    await new Promise<void>((resolve) => orphan.listen(path, resolve));
    // A server removes its own file by name when it is closed; moved away and back, the file stays as after a crash.
    renameSync(path, `${path}.kept`);
    await new Promise((resolve) => orphan.close(resolve));
    renameSync(`${path}.kept`, path);
    expect(await isServed(path)).toBe(false);

    await listen();
    expect(await ask('get=1\n\n', 1)).toBe('errno=0\n\n');
  });

  it('takes a socket whose process is too busy to accept for a live one', async () => {
    mkdirSync(dirname(path), { recursive: true });
    const code = `require('net').createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => process.send('up'))`;
    const busy = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    onTestFinished(() => void busy.kill('SIGKILL'));
    await once(busy, 'message');
    busy.kill('SIGSTOP');
    const refusals: unknown[] = [];
    while (refusals.length === 0) {
      const client = connect(path);
      onTestFinished(() => void client.destroy());
      await once(client, 'connect').catch((error: unknown) => refusals.push(error));
    }
    expect(refusals).toMatchObject([{ code: 'EAGAIN' }]);
    await expect(UapiSocket.listen(path, target, silent)).rejects.toMatchObject({ code: 'socket-in-use' });
  });

  it('leaves a socket alone of which it cannot tell whether it is served', async () => {
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(path, path);
    await expect(listen()).rejects.toMatchObject({ code: 'socket-unusable' });
    expect(readdirSync(dirname(path))).toEqual(['wg0.sock']);
  });

  it('notices that its file was removed, and removes no other one', async () => {
    const socket = await listen();
    expect(socket.isInPlace()).toBe(true);
    unlinkSync(path);
    expect(socket.isInPlace()).toBe(false);
    writeFileSync(path, 'of somebody else');
    expect(socket.isInPlace()).toBe(false);
    socket.close();
    expect(statSync(path).isFile()).toBe(true);
  });

  it('is removed when it is closed', async () => {
    const socket = await listen();
    socket.close();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    socket.close();
  });
});

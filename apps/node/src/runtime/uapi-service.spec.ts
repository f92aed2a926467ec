import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UapiTarget } from '@shadownet/uapi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RecordingLog } from '../testing/recording-log.js';
import { serveUapi } from './uapi-service.js';

const target: UapiTarget = {
  describe: () => ({ privateKey: undefined, listenPort: 1, firewallMark: 0, peers: [] }),
  apply: () => 0,
};

describe('the UAPI service', () => {
  let folder: string;
  let log: RecordingLog;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shadownet-uapi-'));
    log = new RecordingLog();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const directory = () => join(folder, 'wireguard');
  const path = () => join(directory(), 'test0.sock');
  const serve = () => serveUapi({ directory: directory(), interfaceName: 'test0', target, log });

  it('removes the socket when the process ends without closing it', async () => {
    const before = process.listeners('exit');
    await serve();
    expect(existsSync(path())).toBe(true);
    for (const listener of process.listeners('exit')) if (!before.includes(listener)) listener(1);
    expect(existsSync(path())).toBe(false);
    expect(process.listeners('exit')).toEqual(before);
  });

  it('keeps out of a folder in which others could replace the socket', async () => {
    mkdirSync(directory());
    chmodSync(directory(), 0o777);
    const close = await serve();
    expect(existsSync(path())).toBe(false);
    expect(log.of('uapi-unavailable')[0]?.error).toContain('can be written by others');
    close();
  });
});

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nobleCrypto, nodeCrypto } from '@shadownet/crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareDataDir, ServerIdentity } from './server-identity.js';

describe('the server’s key', () => {
  let directory: string;
  const keyFile = () => join(directory, 'server.key');

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'shadownet-identity-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is made once, for the owner’s eyes only, and found again', () => {
    const made = ServerIdentity.load(nodeCrypto, directory);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(readFileSync(keyFile())).toHaveLength(32);
    expect(readdirSync(directory)).toEqual(['server.key']);
    expect(ServerIdentity.load(nobleCrypto, directory).publicKeyText).toBe(made.publicKeyText);
  });

  it.each([0o640, 0o604, 0o622])('is refused with mode %o', (mode) => {
    ServerIdentity.load(nodeCrypto, directory);
    chmodSync(keyFile(), mode);
    expect(() => ServerIdentity.load(nodeCrypto, directory)).toThrow(
      expect.objectContaining({ code: 'exposed-files' }),
    );
  });

  it('is refused when damaged, and not replaced', () => {
    writeFileSync(keyFile(), Buffer.alloc(31), { mode: 0o600 });
    expect(() => ServerIdentity.load(nodeCrypto, directory)).toThrow(expect.objectContaining({ code: 'damaged-key' }));
    expect(readFileSync(keyFile())).toHaveLength(31);
  });
});

describe('the data directory', () => {
  let parent: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'shadownet-data-'));
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it('is made with mode 0700, its parents too', () => {
    prepareDataDir(join(parent, 'a', 'b'));
    expect(statSync(join(parent, 'a', 'b')).mode & 0o777).toBe(0o700);
  });

  it('is closed to others if it is empty, and refused if it is not', () => {
    const [empty, used] = [join(parent, 'empty'), join(parent, 'used')];
    for (const path of [empty, used]) {
      mkdirSync(path);
      chmodSync(path, 0o755);
    }
    writeFileSync(join(used, 'file'), '');
    prepareDataDir(empty);
    expect(statSync(empty).mode & 0o777).toBe(0o700);
    expect(() => prepareDataDir(used)).toThrow(expect.objectContaining({ code: 'exposed-files' }));
    expect(existsSync(join(used, 'file'))).toBe(true);
  });
});

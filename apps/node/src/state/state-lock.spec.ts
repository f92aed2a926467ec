import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockState } from './state-lock.js';

describe('the lock on a state directory', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'shadownet-lock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is held by one node at a time', async () => {
    const unlock = await lockState(directory);
    await expect(lockState(directory)).rejects.toThrow(`a running node uses ${directory}`);
    unlock();
    const unlockAgain = await lockState(directory);
    expect(statSync(join(directory, 'lock.sock')).mode & 0o777).toBe(0o600);
    unlockAgain();
    expect(existsSync(join(directory, 'lock.sock'))).toBe(false);
  });

  it('is refused where its path is too long, instead of being made elsewhere', async () => {
    const deep = join(directory, 'x'.repeat(100));
    mkdirSync(deep);
    await expect(lockState(deep)).rejects.toThrow('is too long for a socket');
    expect(readdirSync(directory)).toEqual(['x'.repeat(100)]);
  });

  it('does not outlive a node that was killed', async () => {
    const path = JSON.stringify(join(directory, 'lock.sock'));
    const program = `require('net').createServer().listen(${path}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(() => execFileSync(process.execPath, ['-e', program])).toThrow();
    expect(existsSync(join(directory, 'lock.sock'))).toBe(true);
    const unlock = await lockState(directory);
    unlock();
  });
});

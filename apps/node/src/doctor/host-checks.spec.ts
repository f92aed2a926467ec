import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkNodeVersion, checkState } from './host-checks.js';
import { checkClock } from './server-checks.js';

describe('the doctor', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['22.1.0', 'ok'],
    ['20.18.9', 'problem'],
    ['18.20.0', 'problem'],
  ])('calls Node.js %s: %s', (version, verdict) => {
    expect(checkNodeVersion(version).verdict).toBe(verdict);
  });

  it('sees who may write into the state directory', () => {
    const folder = mkdtempSync(join(tmpdir(), 'shadownet-doctor-'));
    try {
      expect(checkState(folder).verdict).toBe('ok');
      expect(checkState(join(folder, 'none')).verdict).toBe('ok');
      chmodSync(folder, 0o777);
      expect(checkState(folder)).toMatchObject({ verdict: 'problem', fix: `chmod 700 ${folder}` });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    [0, 'ok'],
    [-29_000, 'ok'],
    [31_000, 'warning'],
    [-299_000, 'warning'],
    [301_000, 'problem'],
  ])('calls a clock that is %d ms ahead: %s', (skew, verdict) => {
    const serverTime = Date.UTC(2026, 0, 1);
    expect(checkClock(serverTime, serverTime + skew).verdict).toBe(verdict);
  });
});

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publicKeyFromBytes } from '@shadownet/primitives';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secureRandom } from '../runtime/clock.js';
import { StateDirectory } from './state-directory.js';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('the state directory', () => {
  let parent: string;
  let path: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'shadownet-state-'));
    path = join(parent, 'deep', 'state');
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it('is made for its owner alone, and so is every file in it', () => {
    const umask = process.umask(0);
    try {
      const state = new StateDirectory(path);
      state.loadPrivateKey(secureRandom);
      state.loadNodeId();
      state.rememberPort(51820);
    } finally {
      process.umask(umask);
    }
    expect(modeOf(path)).toBe('700');
    expect(['private.key', 'node-id', 'port'].map((name) => modeOf(join(path, name)))).toEqual(['600', '600', '600']);
  });

  it('is refused if others can write into it', () => {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o770);
    expect(() => new StateDirectory(path)).toThrow(`${path} can be written by others: run chmod 700 ${path}`);
  });

  it('keeps the private key as wg genkey prints it, and the same one for ever', () => {
    const first = new StateDirectory(path).loadPrivateKey(secureRandom);
    const again = new StateDirectory(path).loadPrivateKey(secureRandom);
    expect([first.created, again.created]).toEqual([true, false]);
    expect(again.key.expose()).toEqual(first.key.expose());
    const text = readFileSync(join(path, 'private.key'), 'latin1');
    expect(text).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(new Uint8Array(Buffer.from(text, 'base64'))).toEqual(first.key.expose());
  });

  it.each([0o640, 0o604, 0o660, 0o644])('refuses a private key of mode %o', (mode) => {
    const state = new StateDirectory(path);
    state.loadPrivateKey(secureRandom);
    chmodSync(join(path, 'private.key'), mode);
    expect(() => state.loadPrivateKey(secureRandom)).toThrow(
      /private\.key can be read by others \(mode 0\d{3}\): run chmod 600/,
    );
  });

  it.each(['', 'x', `${'A'.repeat(42)}=`, 'A'.repeat(200)])('refuses %j as a private key', (text) => {
    const state = new StateDirectory(path);
    writeFileSync(join(path, 'private.key'), text, { mode: 0o600 });
    expect(() => state.loadPrivateKey(secureRandom)).toThrow('holds no private key');
  });

  it('keeps id, port, pinned key, timestamps and how a relay was reached', () => {
    const state = new StateDirectory(path);
    const key = publicKeyFromBytes(Uint8Array.from({ length: 32 }, (_, i) => i + 1))!;
    expect([state.port, state.serverKey, state.reservedTimestamps]).toEqual([undefined, undefined, 0n]);
    const id = state.loadNodeId();
    state.rememberPort(51820);
    state.pinServerKey(key);
    state.reserveTimestamps(1_800_000_000_123_456_789n);
    expect(state.relayTransport).toBeUndefined();
    for (const transport of ['udp', 'stream'] as const) state.rememberRelayTransport(transport);

    const again = new StateDirectory(path);
    expect(again.loadNodeId()).toBe(id);
    expect(again.relayTransport).toBe('stream');
    expect([again.port, again.serverKey, again.reservedTimestamps]).toEqual([51820, key, 1_800_000_000_123_456_789n]);
  });

  it('begins probe counters above those of all earlier runs, even if the clock goes back', () => {
    const noon = 1_800_000_000_000_000_000n;
    const hour = 3_600_000_000_000n;
    const firsts = [noon, noon + 2n * hour, noon - hour, 0n].map((wall) =>
      new StateDirectory(path).takeProbeCounters(wall),
    );
    expect(firsts.slice(0, 2)).toEqual([noon, noon + 2n * hour]);
    expect(firsts[2]).toBeGreaterThan(firsts[1]! + 1_000_000_000n);
    expect(firsts[3]).toBeGreaterThan(firsts[2]! + 1_000_000_000n);
  });

  it.each(['node-id', 'server.pub', 'port', 'tai64n', 'probe-counter', 'relay-transport'])(
    'says that %s is damaged instead of starting afresh',
    (name) => {
      const state = new StateDirectory(path);
      writeFileSync(join(path, name), 'garbage');
      const read = { 'node-id': () => state.loadNodeId(), 'server.pub': () => state.serverKey, port: () => state.port };
      const relayTransport = () => state.relayTransport;
      const tai64n = () => state.reservedTimestamps;
      const probeCounter = () => state.takeProbeCounters(1n);
      expect(
        { ...read, tai64n, 'probe-counter': probeCounter, 'relay-transport': relayTransport }[name as 'port'],
      ).toThrow(`${join(path, name)} is damaged`);
    },
  );
});

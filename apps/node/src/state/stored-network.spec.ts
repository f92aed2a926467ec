import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { publicKeyFromBytes } from '@shadownet/primitives';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monotonicNow, secureRandom } from '../runtime/clock.js';
import { StateDirectory } from './state-directory.js';
import { NetworkStore, storedNetworkKey, type StoredNetwork } from './stored-network.js';

const randomKey = () => publicKeyFromBytes(nodeCrypto.privateKey(generatePrivateKey(secureRandom)).publicKey)!;

const NETWORK: StoredNetwork = {
  registration: {
    ...{ success: true, peer_id: '7b3f6d5e-8e56-4b2e-9d4c-0d9d1d9f0a01', assigned_ip: '10.100.0.7' },
    ...{ network_cidr: '10.100.0.0/16', server_public_key: 'pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk=' },
    ...{ stun_host: null, stun_ports: [], heartbeat_interval_ms: 30_000, poll_interval_ms: 60_000 },
    ...{ relays: [], map_version: { epoch: 3, sequence: 4 }, server_time: '2026-01-01T00:00:00.000Z' },
  },
  map: { map_version: { epoch: 3, sequence: 4 }, network_cidr: '10.100.0.0/16', peers: [] },
};

describe('a stored network', () => {
  let folder: string;
  let state: StateDirectory;
  const serverKey = randomKey();
  const key = storedNetworkKey(nodeCrypto, new Uint8Array(32).fill(1));
  const store = (changes: { key?: Uint8Array; serverKey?: typeof serverKey } = {}) =>
    new NetworkStore({
      ...{ crypto: nodeCrypto, state, key, serverKey, now: monotonicNow },
      onUnwritable: (error) => {
        throw error;
      },
      ...changes,
    });
  const file = () => join(state.path, 'network');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shadownet-node-'));
    state = new StateDirectory(join(folder, 'state'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read as it was written, by this user alone', () => {
    store().remember(NETWORK);
    expect(store().load()).toEqual(NETWORK);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('is nothing when there is none', () => {
    expect(store().load()).toBeUndefined();
  });

  it('is not taken if it was altered, is of another node, or was said by another server', () => {
    store().remember(NETWORK);
    expect(store({ key: storedNetworkKey(nodeCrypto, new Uint8Array(32).fill(2)) }).load()).toBeUndefined();
    expect(store({ serverKey: randomKey() }).load()).toBeUndefined();
    writeFileSync(file(), readFileSync(file(), 'utf8').replace('10.100.0.7', '10.100.0.8'));
    expect(store().load()).toBeUndefined();
  });

  it.each(['', 'x', '\n{}', 'AAAA\n{', `${'A'.repeat(43)}=\n{}`])('is not taken if it is %j', (text) => {
    writeFileSync(file(), text);
    expect(store().load()).toBeUndefined();
  });

  it('is written at once, then every 10 s at most, and when the node stops', () => {
    const writer = store();
    writer.remember(NETWORK);
    const later = { ...NETWORK, map: { ...NETWORK.map, map_version: { epoch: 3, sequence: 5 } } };
    writer.remember(later);
    expect(store().load()).toEqual(NETWORK);
    writer.flush();
    expect(store().load()).toEqual(later);
  });

  it('holds no tickets of relays', () => {
    const relay = {
      ...{ id: 'eu-1', public_key: NETWORK.registration.server_public_key, host: null, udp_port: 3480 },
      ...{ websocket_url: null, ticket: 'AQID' },
    };
    store().remember({ ...NETWORK, registration: { ...NETWORK.registration, relays: [relay] } });
    expect(store().load()!.registration.relays).toEqual([{ ...relay, ticket: null }]);
  });
});

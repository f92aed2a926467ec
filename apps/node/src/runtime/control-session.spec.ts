import type { HeartbeatRequest, MapVersion, RegisterRequest, Relay } from '@shadownet/contracts';
import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { addDuration, encodePublicKey, publicKeyFromBytes, seconds } from '@shadownet/primitives';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeControl } from '../testing/fake-control.js';
import { RecordingLog } from '../testing/recording-log.js';
import { monotonicNow, secureRandom, wallNow } from './clock.js';
import { ControlClient } from './control-client.js';
import { deriveControlKeys } from './control-keys.js';
import { ControlSession, type MapChange } from './control-session.js';

const ID = '7b3f6d5e-8e56-4b2e-9d4c-0d9d1d9f0a01';
const SOON = { timeout: 10_000 };

const delta = (since: number, sequence: number) => ({
  since: { epoch: 1, sequence: since },
  map_version: { epoch: 1, sequence },
  network_cidr: '10.100.0.0/16',
  removed: [],
  changed: [],
});

class RecordingHost {
  registrations = 0;
  readonly changes: MapChange[] = [];
  readonly relays: (readonly Relay[])[] = [];
  newest: MapVersion = { epoch: 1, sequence: 1 };
  answeredHeartbeats = 0;
  readonly heartbeatRequest: HeartbeatRequest = {
    id: ID,
    endpoint_ip: null,
    endpoint_port: null,
    candidates: [],
    peers: [],
  };

  registration(): RegisterRequest {
    const { id, endpoint_ip, endpoint_port, candidates } = this.heartbeatRequest;
    return { id, endpoint_ip, endpoint_port, candidates, public_key: '', hostname: 'a', os: 'Linux', version: '0.1.0' };
  }
  heartbeat() {
    return { request: this.heartbeatRequest, answered: () => void this.answeredHeartbeats++ };
  }
  onRegistered(): void {
    this.registrations++;
  }
  onRelays(relays: readonly Relay[]): void {
    this.relays.push(relays);
  }
  onMapChange(change: MapChange): boolean {
    this.changes.push(change);
    if (change.kind === 'delta' && change.delta.since.sequence > this.newest.sequence) return false;
    this.newest = (change.kind === 'map' ? change.map : change.delta).map_version;
    return true;
  }
  readonly calls: Uint8Array[] = [];
  onCall(message: Uint8Array): void {
    this.calls.push(message);
  }
  mapVersion(): MapVersion {
    return this.newest;
  }
}

describe('a control session', () => {
  let control: FakeControl;
  let host: RecordingHost;
  let log: RecordingLog;
  let session: ControlSession;

  beforeEach(async () => {
    control = new FakeControl();
    await control.start();
    host = new RecordingHost();
    log = new RecordingLog();
    const privateKey = nodeCrypto.privateKey(generatePrivateKey(secureRandom));
    const publicKey = publicKeyFromBytes(privateKey.publicKey)!;
    const options = { url: control.url, crypto: nodeCrypto, random: secureRandom, publicKey, wallNow };
    const client = new ControlClient(options);
    client.useKeys(deriveControlKeys(nodeCrypto, privateKey, publicKey, control.publicKey)!);
    session = new ControlSession({ client, host, log, random: secureRandom, now: monotonicNow });
  });

  afterEach(async () => {
    await session.stop(ID);
    await control.stop();
  });

  const deadline = (count: number) => addDuration(monotonicNow(), seconds(count));

  async function establish(): Promise<void> {
    await session.registerUntil(deadline(5));
    session.start();
    await expect.poll(() => control.streams.length, SOON).toBe(1);
    control.streams[0]!.send('map', control.map);
    await expect.poll(() => host.changes.length, SOON).toBe(1);
  }

  it('registers, opens the stream and takes the map from it', async () => {
    await establish();
    expect(host.registrations).toBe(1);
    expect(host.changes[0]).toEqual({ kind: 'map', map: control.map });
    expect(session.connected).toBe(true);
  });

  it('hands on the relays of each answer, whose tickets are fresh', async () => {
    const relay = {
      ...{ id: 'eu-1', public_key: encodePublicKey(control.publicKey), host: null, udp_port: 3480 },
      ...{ websocket_url: null, ticket: 'AQID' },
    };
    control.relays = [relay];
    await establish();
    expect(host.relays).toEqual([[relay]]);
    control.relays = [{ ...relay, ticket: 'BAUG' }];
    session.heartbeatNow();
    await expect.poll(() => host.relays.at(-1), SOON).toEqual(control.relays);
  });

  it('gives up registering at its deadline, and says why', async () => {
    await control.stop();
    await expect(session.registerUntil(deadline(0.6))).rejects.toMatchObject({ code: 'control-unreachable' });
  });

  it('registers when the server comes up later, and says nothing else to it before', async () => {
    await control.stop();
    const registering = session.registerUntil(deadline(10));
    await expect.poll(() => log.of('control-unreachable').length, SOON).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await control.start();
    await registering;
    expect(control.requests.map(({ path }) => path)).toEqual(['/register']);
    expect(log.of('control-back')).toHaveLength(1);
  });

  it('does not repeat a registration that the server refuses', async () => {
    control.refusals.set('/register', { status: 409, code: 'id-taken' });
    await expect(session.registerUntil(deadline(5))).rejects.toMatchObject({ code: 'control-refused' });
    expect(control.seen('/register')).toHaveLength(1);
  });

  it('has peers called, as often as the server allows, and hands on their calls', async () => {
    await establish();
    const peer = control.publicKey;
    for (let i = 0; i < 100; i++) session.call(peer, Uint8Array.of(1, 2, 3));
    await expect.poll(() => control.seen('/calls').length, SOON).toBe(32);
    expect(control.seen('/calls')[0]?.body).toEqual({ public_key: encodePublicKey(peer), call: 'AQID' });
    control.streams[0]!.send('call', { public_key: encodePublicKey(peer), call: 'BAUG' });
    await expect.poll(() => host.calls, SOON).toEqual([Uint8Array.of(4, 5, 6)]);
  });

  it('has nobody called by a server that is away', async () => {
    await establish();
    await control.stop();
    await expect.poll(() => session.connected, SOON).toBe(false);
    session.call(control.publicKey, Uint8Array.of(1, 2, 3));
    await control.start();
    await expect.poll(() => session.connected, SOON).toBe(true);
    expect(control.seen('/calls')).toEqual([]);
  });

  it('sends a heartbeat at once when told to', async () => {
    await establish();
    session.heartbeatNow();
    await expect.poll(() => host.answeredHeartbeats, SOON).toBe(1);
  });

  it('does not count a heartbeat as answered whose answer does not verify', async () => {
    await establish();
    control.tampering = 'altered-status';
    session.heartbeatNow();
    await expect.poll(() => log.of('untrusted-message').length, SOON).toBeGreaterThan(0);
    expect(host.answeredHeartbeats).toBe(0);
  });

  it('registers again when the server does not know it any more', async () => {
    await establish();
    control.refusals.set('/heartbeat', { status: 404, code: 'unknown-peer' });
    session.heartbeatNow();
    await expect.poll(() => host.registrations, SOON).toBe(2);
  });

  it('fetches what changed when a heartbeat’s answer names a newer map and there is no stream', async () => {
    await establish();
    control.refusals.set('/events', { status: 503, code: 'unavailable' });
    control.streams[0]!.close();
    await expect.poll(() => control.seen('/events').length, SOON).toBe(2);
    control.mapVersion = { epoch: 1, sequence: 5 };
    control.map = { ...control.map, map_version: control.mapVersion };
    session.heartbeatNow();
    await expect.poll(() => host.newest, SOON).toEqual({ epoch: 1, sequence: 5 });
    expect(control.seen('/peers').map(({ query }) => query)).toEqual(['since=1.1']);
  });

  it('waits for the stream to bring what a heartbeat’s answer names', async () => {
    await establish();
    control.mapVersion = { epoch: 1, sequence: 5 };
    session.heartbeatNow();
    await expect.poll(() => host.answeredHeartbeats, SOON).toBe(1);
    control.streams[0]!.send('delta', delta(1, 5));
    await expect.poll(() => host.newest, SOON).toEqual({ epoch: 1, sequence: 5 });
    expect(control.seen('/peers')).toHaveLength(0);
  });

  it('resumes a stream from the version that it has', async () => {
    await establish();
    control.streams[0]!.send('delta', delta(1, 5));
    await expect.poll(() => host.newest, SOON).toEqual({ epoch: 1, sequence: 5 });
    control.streams[0]!.close();
    await expect.poll(() => control.seen('/events').at(-1)!.lastEventId, SOON).toBe('1.5');
  });

  it('takes over the version of a keepalive: the stream has told all that matters until then', async () => {
    await establish();
    control.streams[0]!.send('keepalive', { map_version: { epoch: 1, sequence: 9 } });
    await expect.poll(() => host.newest, SOON).toEqual({ epoch: 1, sequence: 9 });
    expect(control.seen('/peers')).toHaveLength(0);
  });

  it('fetches the map when a change cannot be applied', async () => {
    await establish();
    control.streams[0]!.send('delta', delta(3, 5));
    await expect.poll(() => control.seen('/peers').length, SOON).toBe(1);
  });

  it('follows the interval that the server asks for', async () => {
    await establish();
    control.heartbeatIntervalMs = 1000;
    control.streams[0]!.send('heartbeat-interval', { heartbeat_interval_ms: 1000 });
    await expect.poll(() => host.answeredHeartbeats, SOON).toBeGreaterThanOrEqual(2);
  });

  it('logs an outage once, comes back by itself and registers again', async () => {
    await establish();
    await control.stop();
    await expect.poll(() => session.connected, SOON).toBe(false);
    await control.start();
    await expect.poll(() => host.registrations, { timeout: 15_000 }).toBe(2);
    expect(session.connected).toBe(true);
    expect(log.of('control-unreachable')).toHaveLength(1);
    expect(log.of('control-back')).toHaveLength(1);
  });

  it('opens a new stream after one with a forged event', async () => {
    await establish();
    control.streams[0]!.sendOutOfSequence('map', control.map);
    await expect.poll(() => control.streams.length, SOON).toBe(2);
    expect(log.of('untrusted-message')).toEqual([
      { source: 'event stream', reason: 'event-signature-mismatch', suppressed: 0 },
    ]);
  });

  it('asks by a heartbeat whether the server is there when a stream ends, and takes that alone for no outage', async () => {
    await establish();
    control.streams[0]!.close();
    await expect.poll(() => host.answeredHeartbeats, SOON).toBe(1);
    await expect.poll(() => control.streams.length, SOON).toBe(2);
    expect([host.registrations, log.of('control-unreachable')]).toEqual([1, []]);
  });

  it('opens streams ever more rarely while each is ended at once', async () => {
    await establish();
    const start = performance.now();
    for (let count = 1; count < 4; count++) {
      control.streams.at(-1)!.close();
      await expect.poll(() => control.streams.length, SOON).toBe(count + 1);
      control.streams.at(-1)!.send('map', control.map);
    }
    // Half of 0.5, 1 and 2 s at least.
    expect(performance.now() - start).toBeGreaterThan(1700);
  });

  it('says goodbye when it stops', async () => {
    await establish();
    await session.stop(ID);
    expect(control.seen('/goodbye').map(({ body }) => body)).toEqual([{ id: ID }]);
  });

  it('stops within 2 s when the server is gone', async () => {
    await establish();
    await control.stop();
    const start = performance.now();
    await session.stop(ID);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import { publicKeyFromBytes } from '@shadownet/primitives';
import type { StreamEvent } from '@shadownet/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeControl, type Tampering } from '../testing/fake-control.js';
import { secureRandom, wallNow } from './clock.js';
import { ControlClient } from './control-client.js';
import { deriveControlKeys } from './control-keys.js';

const REGISTRATION = {
  id: '7b3f6d5e-8e56-4b2e-9d4c-0d9d1d9f0a01',
  public_key: '',
  endpoint_ip: null,
  endpoint_port: null,
  hostname: 'a',
  os: 'Linux',
  version: '0.1.0',
  candidates: [],
};

describe('the control client', () => {
  const control = new FakeControl();
  let client: ControlClient;

  beforeEach(async () => {
    await control.start();
    control.tampering = 'none';
    client = connect(control.url);
  });

  afterEach(async () => {
    await client.close();
    await control.stop();
    control.requests.length = 0;
    control.streams.length = 0;
  });

  function connect(url: URL): ControlClient {
    const privateKey = nodeCrypto.privateKey(generatePrivateKey(secureRandom));
    const publicKey = publicKeyFromBytes(privateKey.publicKey)!;
    const client = new ControlClient({ url, crypto: nodeCrypto, random: secureRandom, publicKey, wallNow });
    client.useKeys(deriveControlKeys(nodeCrypto, privateKey, publicKey, control.publicKey)!);
    return client;
  }

  it('registers with a request that the server can verify, and verifies the answer', async () => {
    const result = await client.register(REGISTRATION);
    expect(result).toMatchObject({ ok: true, value: { assigned_ip: '10.100.0.7' } });
    expect(control.seen('/register')).toHaveLength(1);
  });

  it('fetches the map with a request that has no body', async () => {
    expect(await client.fetchPeers()).toMatchObject({ ok: true, value: { peers: [] } });
  });

  it.each<Tampering>(['unsigned', 'altered-body', 'altered-status', 'reflected-signature'])(
    'trusts no answer that is %s',
    async (tampering) => {
      control.tampering = tampering;
      expect(await client.register(REGISTRATION)).toMatchObject({ ok: false, failure: { kind: 'untrusted' } });
      if (tampering !== 'altered-body') {
        expect(await client.fetchPeers()).toMatchObject({ ok: false, failure: { kind: 'untrusted' } });
      }
    },
  );

  it('takes a signed problem for the server’s word', async () => {
    control.refusals.set('/heartbeat', { status: 404, code: 'unknown-peer' });
    const result = await client.heartbeat({ ...REGISTRATION, peers: [] });
    expect(result).toMatchObject({ ok: false, failure: { kind: 'refused', code: 'unknown-peer', status: 404 } });
  });

  it('does not act on an unsigned problem', async () => {
    control.tampering = 'unsigned';
    control.refusals.set('/heartbeat', { status: 404, code: 'unknown-peer' });
    const result = await client.heartbeat({ ...REGISTRATION, peers: [] });
    expect(result).toMatchObject({
      ok: false,
      failure: { kind: 'untrusted', detail: expect.stringContaining('unknown-peer') },
    });
  });

  it('sets its clock by a signed refusal and asks again', async () => {
    control.refusals.set('/register', {
      status: 401,
      code: 'signature-expired',
      server_time: '2031-01-01T00:00:00.000Z',
    });
    expect(await client.register(REGISTRATION)).toMatchObject({ ok: true });
    expect(control.seen('/register')).toHaveLength(2);
  });

  it('says that nobody answers', async () => {
    await control.stop();
    const result = await client.fetchServerInfo();
    expect(result).toMatchObject({
      ok: false,
      failure: { kind: 'unreachable', detail: expect.stringContaining('ECONNREFUSED') },
    });
  });

  describe('’s event stream', () => {
    const KEEPALIVE = { map_version: { epoch: 1, sequence: 1 } };

    async function stream(play: (control: FakeControl) => void) {
      const events: StreamEvent[] = [];
      const ended = client.readEvents(
        { onEvent: (event) => events.push(event) },
        undefined,
        AbortSignal.timeout(10_000),
      );
      await expect.poll(() => control.streams.length).toBe(1);
      play(control);
      return { events, failure: await ended };
    }

    it('delivers verified events in order, and ends when the server closes it', async () => {
      const { events, failure } = await stream(({ streams: [open] }) => {
        open!.send('map', control.map);
        open!.send('keepalive', KEEPALIVE);
        open!.close();
      });
      expect(events.map(({ type }) => type)).toEqual(['map', 'keepalive']);
      expect(failure).toEqual({ kind: 'unreachable', detail: 'the event stream was closed' });
    });

    it('passes over an authentic event of a type from the future', async () => {
      const { events } = await stream(({ streams: [open] }) => {
        open!.send('weather', { sunny: true });
        open!.send('keepalive', KEEPALIVE);
        open!.close();
      });
      expect(events.map(({ type }) => type)).toEqual(['keepalive']);
    });

    it('ends at an event that is out of sequence', async () => {
      const { events, failure } = await stream(({ streams: [open] }) => {
        open!.send('keepalive', KEEPALIVE);
        open!.sendOutOfSequence('map', control.map);
        open!.send('keepalive', KEEPALIVE);
      });
      expect(events).toHaveLength(1);
      expect(failure).toEqual({ kind: 'untrusted', detail: 'event-signature-mismatch' });
    });

    it('ends at an event that is not signed for it', async () => {
      const forged = {
        sequence: 0,
        type: 'map',
        payload: JSON.stringify(control.map),
        signature: 'A'.repeat(43) + '=',
      };
      const { events, failure } = await stream(({ streams: [open] }) =>
        open!.sendRaw(`data: ${JSON.stringify(forged)}\n\n`),
      );
      expect(events).toEqual([]);
      expect(failure).toEqual({ kind: 'untrusted', detail: 'event-signature-mismatch' });
    });

    it('ends at something that is no event at all', async () => {
      const { failure } = await stream(({ streams: [open] }) => open!.sendRaw('data: hello\n\n'));
      expect(failure).toEqual({ kind: 'untrusted', detail: 'event-malformed' });
    });
  });
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ed25519Signer } from '@shadownet/crypto';
import { encodeBase64, endpoint, parseIpAddress, parsePublicKey } from '@shadownet/primitives';
import { issueRevocation, issueTicket, type RelayDescription } from '@shadownet/relay';
import { bundleRelayWorker, ClientShell } from '@shadownet/relayhost/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type RelayOptions } from './config.js';
import { type RelayApp, startRelayApp } from './relay-app.js';

const signer = new Ed25519Signer(Uint8Array.from(randomBytes(32)));
const directory = mkdtempSync(join(tmpdir(), 'shadownet-relay-app-'));
const keyFile = join(directory, 'state', 'relay.key');
let worker: ReturnType<typeof bundleRelayWorker>;
let app: RelayApp;

beforeAll(async () => {
  worker = bundleRelayWorker();
  app = await start();
});
afterAll(async () => {
  await app.close();
  worker.remove();
  rmSync(directory, { recursive: true });
});

const seconds = () => Math.floor(Date.now() / 1000);
const metrics = async () => (await fetch(`${app.url}/metrics`)).text();

async function tell(body: Uint8Array): Promise<number> {
  const response = await fetch(`${app.url}/relay/v1/revocations`, { method: 'POST', body: Uint8Array.from(body) });
  return response.status;
}

describe('a relay that stands alone', () => {
  it('carries between nodes with tickets, by UDP and WebSocket, and tells of it at /metrics', async () => {
    const [a, b] = [await ClientShell.open(), await ClientShell.open()];
    const udp = [endpoint(parseIpAddress('127.0.0.1')!, app.udp!.port)];
    a.use({ ...described(a), udp });
    b.use({ ...described(b), udp: [] });
    let received = 0;
    b.onRelayed = () => void received++;
    const message = new Uint8Array(64);
    message[0] = 4;
    await expect.poll(() => a.send('eu', b.publicKey, message) && received, { timeout: 10_000 }).toBeGreaterThan(0);
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toContain('shadownet_relay_clients 2\n');
    expect(metrics).toMatch(/^shadownet_relay_forwarded_frames_total [1-9]/m);
    expect(metrics).toContain('shadownet_relay_dropped_frames_total{reason="bad-tag"} 0\n');
    await a.close();
    await b.close();
  });

  it('ends the session of a revoked node at once, refuses its tickets, and takes newer ones', async () => {
    const [a, b] = [await ClientShell.open(), await ClientShell.open()];
    for (const client of [a, b]) client.use(described(client));
    const states = () => [a, b].map((client) => client.client.status()[0]?.state);
    await expect.poll(states, { timeout: 10_000 }).toEqual(['up', 'up']);

    const revocation = issueRevocation(signer, a.publicKey, seconds() + 3600);
    expect(await tell(revocation)).toBe(200);
    await expect.poll(() => a.client.status()[0]?.lastFailure, { timeout: 10_000 }).toBe('revoked');
    expect(states()[1]).toBe('up');

    a.use({ ...described(a), ticket: issueTicket(signer, a.publicKey, seconds() + 3700) });
    await expect.poll(() => states()[0], { timeout: 20_000 }).toBe('up');
    // Shown again, by whoever has seen it: it says nothing of the newer ticket.
    expect(await tell(revocation)).toBe(200);
    await metrics();
    expect(states()).toEqual(['up', 'up']);
    for (const client of [a, b]) await client.close();
  });

  it('takes revocations by the signature of its control server alone', async () => {
    const stranger = new Ed25519Signer(Uint8Array.from(randomBytes(32)));
    const node = await ClientShell.open();
    const genuine = issueRevocation(signer, node.publicKey, seconds() + 3600);
    expect(await tell(issueRevocation(stranger, node.publicKey, seconds() + 3600))).toBe(403);
    expect(await tell(issueTicket(signer, node.publicKey, seconds() + 3600))).toBe(403);
    expect(await tell(Buffer.concat([genuine, genuine.map((byte, i) => (i === 60 ? byte ^ 1 : byte))]))).toBe(403);
    for (const malformed of [genuine.subarray(1), new Uint8Array(0), new Uint8Array(513 * 117)]) {
      expect(await tell(malformed)).toBe(400);
    }
    await node.close();
  });

  it('answers at /healthz, and nothing else', async () => {
    const statusOf = async (path: string, method = 'GET') => (await fetch(app.url + path, { method })).status;
    expect(await statusOf('/healthz')).toBe(200);
    expect(await statusOf('/')).toBe(404);
    expect(await statusOf('/healthz', 'POST')).toBe(405);
  });

  it('keeps its key over a restart, for the owner’s eyes only', async () => {
    const { publicKey } = app;
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    await app.close();
    app = await start();
    expect(app.publicKey).toBe(publicKey);
  });

  it('says which port is taken', async () => {
    const port = new URL(app.url).port;
    await expect(start({ listen: `127.0.0.1:${port}` })).rejects.toMatchObject({ code: 'address-in-use' });
    await expect(start({ udpPort: `${app.udp!.port}` })).rejects.toMatchObject({ code: 'address-in-use' });
  });
});

describe('its configuration', () => {
  it.each([
    [{ ticketKey: [] }, /--ticket-key/],
    [{ ticketKey: ['AAAA'] }, /--ticket-key/],
    [{ listen: 'here' }, /--listen/],
    [{ udpPort: '65536' }, /--udp-port/],
    [{ tlsCert: 'only.pem' }, /together/],
    [{ clientMbit: '0' }, /--client-mbit/],
    [{ logLevel: 'loud' }, /--log-level/],
  ])('is refused with the reason: %j', (options, reason) => {
    expect(() => loadConfig({ ...needed(), ...options })).toThrow(reason);
  });
});

function start(options: RelayOptions = {}): Promise<RelayApp> {
  const onFailed = (error: Error): void => {
    throw error;
  };
  return startRelayApp(loadConfig({ ...needed(), ...options }), { workerEntry: worker.entry, onFailed });
}

function needed(): RelayOptions {
  return { listen: '127.0.0.1:0', udpPort: '0', keyFile, ticketKey: [encodeBase64(signer.publicKey)] };
}

function described(client: ClientShell): RelayDescription {
  return {
    ...{ id: 'eu', publicKey: parsePublicKey(app.publicKey)!, udp: [] },
    websocketUrl: `${app.url.replace('http', 'ws')}/relay/v1`,
    ticket: issueTicket(signer, client.publicKey, Math.floor(Date.now() / 1000) + 60),
  };
}

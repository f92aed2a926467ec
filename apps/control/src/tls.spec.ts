import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';
import { followTls, readTls, type TlsChange } from './http/tls-files.js';
import { TestServer } from './testing/test-server.js';

const directory = mkdtempSync(join(tmpdir(), 'shadownet-tls-'));
const tlsCert = join(directory, 'cert.pem');
const tlsKey = join(directory, 'key.pem');
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

beforeAll(() => {
  if (hasOpenssl) makeCertificate();
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.skipIf(!hasOpenssl)('the API with a certificate (needs the openssl program)', () => {
  it('is served by HTTPS, and by nothing else', async () => {
    const server = await TestServer.start({ tlsCert, tlsKey });
    expect(server.url).toMatch(/^https:/);
    expect(await statusOf(`${server.url}/healthz`)).toBe(200);
    await expect(fetch(`${server.url.replace('https', 'http')}/healthz`)).rejects.toThrow();
    await server.stop();
  });

  it('is shown anew when the files were, and kept when they make no sense', async () => {
    const files = { cert: tlsCert, key: tlsKey };
    const server = createServer(readTls(files));
    const changes: TlsChange[] = [];
    const stop = followTls(server, files, (change) => changes.push(change), 20);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    try {
      const before = await shownCertificate(port);
      makeCertificate();
      await expect.poll(() => changes.at(-1)).toEqual({ kind: 'renewed' });
      const after = await shownCertificate(port);
      expect(after).not.toBe(before);
      const good = readFileSync(tlsCert);
      writeFileSync(tlsCert, 'no certificate');
      await expect.poll(() => changes.at(-1)?.kind).toBe('refused');
      expect(await shownCertificate(port)).toBe(after);
      writeFileSync(tlsCert, good);
      await expect.poll(() => changes.at(-1)).toEqual({ kind: 'renewed' });
    } finally {
      stop();
      server.close();
    }
  });

  it('does not start without both files, or with files that are none', async () => {
    expect(() => loadConfig({ tlsCert })).toThrow('together');
    await expect(TestServer.start({ tlsCert: join(directory, 'none'), tlsKey })).rejects.toMatchObject({
      code: 'unusable-files',
    });
    await expect(TestServer.start({ tlsCert: tlsKey, tlsKey })).rejects.toMatchObject({ code: 'unusable-files' });
  });
});

/** A fresh key with a certificate for it, in the place of those before. */
function makeCertificate(): void {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', tlsKey];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', tlsCert, '-days', '2', ...subject], { stdio: 'ignore' });
}

/** Trusted by nobody but its own reader. */
async function shownCertificate(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { ca: readFileSync(tlsCert) }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';
import { TestServer } from './testing/test-server.js';

const directory = mkdtempSync(join(tmpdir(), 'shadownet-tls-'));
const tlsCert = join(directory, 'cert.pem');
const tlsKey = join(directory, 'key.pem');
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

beforeAll(() => {
  if (!hasOpenssl) return;
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', tlsKey];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', tlsCert, '-days', '2', ...subject], { stdio: 'ignore' });
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

  it('does not start without both files, or with files that are none', async () => {
    expect(() => loadConfig({ tlsCert })).toThrow('together');
    await expect(TestServer.start({ tlsCert: join(directory, 'none'), tlsKey })).rejects.toMatchObject({
      code: 'unusable-files',
    });
    await expect(TestServer.start({ tlsCert: tlsKey, tlsKey })).rejects.toMatchObject({ code: 'unusable-files' });
  });
});

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

import { request as httpRequest } from 'node:http';
import { MAX_BODY_BYTES } from '@shadownet/contracts';
import { encodeUtf8 } from '@shadownet/primitives';
import { DataSource, type Repository } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NodeEntity } from '../nodes/node.entity.js';
import type { TestNode } from '../testing/test-node.js';
import { TestServer } from '../testing/test-server.js';

describe('a body that is not as it should be', () => {
  let server: TestServer;
  let node: TestNode;
  let nodes: Repository<NodeEntity>;

  beforeAll(async () => {
    server = await TestServer.start();
    node = server.node();
    nodes = server.running.app.get(DataSource).getRepository(NodeEntity);
  });
  afterAll(() => server.stop());

  const post = (body: unknown, more: Record<string, string> = {}) =>
    node.send(node.sign('POST', '/api/v1/register', body), more);

  it('is refused when it is larger than 256 KB, however it is sent', async () => {
    for (const size of [MAX_BODY_BYTES + 1, 10 * 1024 * 1024]) {
      const answer = await post(new Uint8Array(size).fill(0x20));
      expect(answer.status).toBe(413);
      expect(answer.json).toMatchObject({ code: 'body-too-large' });
    }
    expect(await sendChunked(`${server.url}/api/v1/register`, 10 * 1024 * 1024)).toBe(413);
    expect(await nodes.count()).toBe(0);
    expect((await post(node.registration())).status).toBe(200);
  });

  it.each([
    ['nothing', ''],
    ['half of JSON', '{"id":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"x"'],
    ['100,000 nested lists', '['.repeat(100_000)],
    ['100,000 nested and closed lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['nested objects', '{"id":'.repeat(30_000) + '1' + '}'.repeat(30_000)],
    ['a prototype', '{"__proto__":{"id":"x"}}'],
  ])('is refused when it is %s', async (_, text) => {
    const answer = await post(encodeUtf8(text));
    expect(answer).toMatchObject({ status: 400, verified: true });
    expect(answer.json).toMatchObject({ code: 'invalid-body' });
  });

  it('is refused when it is not UTF-8', async () => {
    const json = encodeUtf8(JSON.stringify({ ...node.registration(), hostname: 'X' }));
    json[json.indexOf(0x58)] = 0xff;
    expect((await post(json)).json).toMatchObject({ code: 'invalid-body' });
  });

  it('is told which field is wrong', async () => {
    const answer = await post({ ...node.registration(), endpoint_port: 70_000, hostname: 'a b' });
    expect(answer.json['errors']).toEqual([
      expect.objectContaining({ field: 'endpoint_port' }),
      expect.objectContaining({ field: 'hostname' }),
    ]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', ''])(
    'is refused as "%s"',
    async (type) => {
      const answer = await post(node.registration(), { 'content-type': type });
      expect(answer).toMatchObject({ status: 415, verified: true });
      expect(answer.json).toMatchObject({ code: 'unsupported-media-type' });
    },
  );

  it('is refused when it is compressed', async () => {
    expect((await post(node.registration(), { 'content-encoding': 'gzip' })).json).toMatchObject({
      code: 'unsupported-media-type',
    });
  });
});

/** Sends `size` bytes without a Content-Length; resolves with the status. */
function sendChunked(url: string, size: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.on('error', reject);
    const chunk = Buffer.alloc(64 * 1024);
    for (let sent = 0; sent < size; sent += chunk.length) request.write(chunk);
    request.end();
  });
}

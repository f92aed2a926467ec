// The worked example of docs/control-plane-api.md is what the code does.

import { readFileSync } from 'node:fs';
import { signEvent, signRequest, signResponse } from '@shadownet/contracts';
import { deriveLabelledKey, type KeyLabel, nodeCrypto } from '@shadownet/crypto';
import { encodeBase64, encodeHex, encodePublicKey, encodeUtf8, publicKeyFromBytes } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../http/api-error.js';

const document = readFileSync(new URL('../../../../docs/control-plane-api.md', import.meta.url), 'utf8');

const node = nodeCrypto.privateKey(new Uint8Array(32).fill(1));
const server = nodeCrypto.privateKey(new Uint8Array(32).fill(2));
const nodeKey = publicKeyFromBytes(node.publicKey)!;
const serverKey = publicKeyFromBytes(server.publicKey)!;
const secret = node.sharedSecret(serverKey)!;
const derive = (label: KeyLabel, from = serverKey, to = nodeKey) =>
  deriveLabelledKey(nodeCrypto, secret, label, from, to);

const requestKey = derive('shadownet api request v1', nodeKey, serverKey);
const responseKey = derive('shadownet api response v1');
const eventKey = derive('shadownet stream event v1');
const nonce = encodeBase64(new Uint8Array(16).fill(3));
const request = signRequest(
  nodeCrypto,
  requestKey,
  {
    method: 'POST',
    path: '/api/v1/goodbye',
    query: '?',
    body: encodeUtf8('{"id":"0f8fad5b-d9cb-469f-a165-70867728950e"}'),
  },
  { created: 1_763_600_000, keyId: encodePublicKey(nodeKey), nonce },
);

describe('the documented example', () => {
  it.each([
    ["node's public key", encodePublicKey(nodeKey)],
    ["server's public key", encodePublicKey(serverKey)],
    ['X25519 secret', encodeHex(secret)],
    ['request key', encodeHex(requestKey)],
    ['response key', encodeHex(responseKey)],
    ['event key', encodeHex(eventKey)],
  ])('has the %s', (name, value) => {
    const row = document.split('\n').find((line) => line.startsWith(`| ${name} `));
    expect(row).toContain(`\`${value}\``);
  });

  it('has the headers of the request and of its response', () => {
    const response = signResponse(
      nodeCrypto,
      responseKey,
      { status: 200, body: encodeUtf8('{"success":true}'), requestSignature: request.signature },
      { created: 1_763_600_001, keyId: encodePublicKey(serverKey), nonce: encodeBase64(new Uint8Array(16).fill(4)) },
    );
    for (const headers of [request, response]) {
      expect(document).toContain(`\nContent-Digest: ${headers['content-digest']}\n`);
      expect(document).toContain(`\nSignature-Input: ${headers['signature-input']}\n`);
      expect(document).toContain(`\nSignature: ${headers.signature}\n`);
    }
  });

  it('has signature bases that give these signatures', () => {
    const bases = [...document.matchAll(/```text\n("@(?:method|status)"[\s\S]*?)\n```/g)].map(([, base]) => base!);
    expect(bases).toHaveLength(2);
    for (const [i, key] of [requestKey, responseKey].entries()) {
      const mac = encodeBase64(nodeCrypto.hmacSha256(key, encodeUtf8(bases[i]!)));
      expect(document).toContain(`\nSignature: shadownet=:${mac}:\n`);
    }
  });

  it('has the event', () => {
    const payload = '{"map_version":{"epoch":1763600000,"sequence":7}}';
    const event = { sequence: 1, type: 'keepalive', payload };
    expect(document).toContain(`\ndata: ${JSON.stringify(signEvent(nodeCrypto, eventKey, nonce, event))}\n`);
    const base = `${nonce}\n1\n9\nkeepalive\n${payload}`;
    const mac = encodeBase64(nodeCrypto.hmacSha256(eventKey, encodeUtf8(base)));
    expect(document).toContain(`"signature":"${mac}"`);
  });
});

it('documents every error code with its status', () => {
  const rows = [...document.matchAll(/^\| `([a-z-]+)` +\| (\d{3}) +\|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  const codes = Object.entries(PROBLEMS).map(([code, { status }]) => [code, status]);
  expect(rows.sort()).toEqual(codes.sort());
});

// UAPI requests as `wg` writes them, as nobody should write them, and at random.

import {
  encodeHex,
  encodeUtf8,
  formatEndpoint,
  formatIpPrefix,
  parseEndpoint,
  parseIpPrefix,
  publicKeyFromBytes,
  type Secret,
  seconds,
} from '@shadownet/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeBuilder } from './change-builder.js';
import { RequestReader } from './request-reader.js';
import { UapiErrno } from './uapi-errno.js';
import type { DeviceChange, PeerChange, UapiRequest } from './uapi-request.js';

const KEY = 'b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33';
const PRIVATE = 'e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a';
const ZEROS = '0'.repeat(64);

function read(text: string, reader = new RequestReader()): UapiRequest[] {
  return reader.push(encodeUtf8(text));
}

function readSet(...lines: string[]): UapiRequest {
  const requests = read(['set=1', ...lines, '', ''].join('\n'));
  expect(requests).toHaveLength(1);
  return requests[0]!;
}

function changeOf(...lines: string[]): DeviceChange {
  const request = readSet(...lines);
  if (request.kind !== 'set') throw new Error(JSON.stringify(request));
  return request.change;
}

function peerOf(...lines: string[]): Exclude<PeerChange, { kind: 'remove' }> {
  const peer = changeOf(`public_key=${KEY}`, ...lines).peers[0];
  if (!peer || peer.kind === 'remove') throw new Error('not a peer that stays');
  return peer;
}

describe('requests', () => {
  it('reads a get', () => {
    expect(read('get=1\n\n')).toEqual([{ kind: 'get' }]);
  });

  it('reads several requests of one connection, with or without blank lines between them', () => {
    expect(read('get=1\n\nset=1\n\n\n\nget=1\n\n').map(({ kind }) => kind)).toEqual(['get', 'set', 'get']);
  });

  it('reads a request the same however it is chopped up', () => {
    const bytes = encodeUtf8(`set=1\nlisten_port=51820\npublic_key=${KEY}\nallowed_ip=10.0.0.0/8\n\nget=1\n\n`);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const reader = new RequestReader();
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const requests = edges.slice(1).flatMap((end, i) => reader.push(bytes.subarray(edges[i], end)));
        expect(requests).toEqual(new RequestReader().push(bytes));
      }),
    );
  });

  it('loses the connection at anything that is neither get nor set', () => {
    for (const text of ['put=1\n', 'get=2\n', 'set=\n', 'private_key\n', '=1\n', '\0\n']) {
      expect(read(`${text}\nget=1\n\n`)).toMatchObject([
        { kind: 'invalid', errno: UapiErrno.EPROTO, connection: 'lost' },
      ]);
    }
  });

  it('refuses a get with fields, and reads on', () => {
    expect(read('get=1\npeer=x\n\nget=1\n\n')).toMatchObject([
      { kind: 'invalid', operation: 'get', errno: UapiErrno.EINVAL, connection: 'goes-on' },
      { kind: 'get' },
    ]);
  });

  it('loses the connection at a line beyond the bound, and keeps none of it', () => {
    const reader = new RequestReader({ maxLineBytes: 100 });
    expect(read('set=1\nlisten_port=', reader)).toEqual([]);
    expect(read('1'.repeat(100), reader)).toMatchObject([
      { operation: 'set', errno: UapiErrno.EMSGSIZE, connection: 'lost' },
    ]);
    expect(read('\n\nget=1\n\n', reader)).toEqual([]);
  });

  it('loses the connection at a request beyond the bound, not at many small ones', () => {
    const reader = new RequestReader({ maxRequestBytes: 100 });
    for (let i = 0; i < 100; i++) expect(read('get=1\n\n', reader)).toEqual([{ kind: 'get' }]);
    expect(read(`set=1\n${'listen_port=1\n'.repeat(10)}`, reader)).toMatchObject([
      { operation: 'set', errno: UapiErrno.EMSGSIZE, connection: 'lost' },
    ]);
  });

  it('takes random bytes without a throw', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 16 }), (chunks) => {
        const reader = new RequestReader();
        for (const chunk of chunks) for (const { kind } of reader.push(chunk)) expect(kind).toBe('invalid');
      }),
    );
  });

  it('answers any mixture of the protocol’s own lines with exactly one request for each blank line', () => {
    const keys = [
      ...['private_key', 'listen_port', 'fwmark', 'replace_peers', 'public_key', 'remove', 'update_only', 'endpoint'],
      ...[
        'preshared_key',
        'persistent_keepalive_interval',
        'replace_allowed_ips',
        'allowed_ip',
        'protocol_version',
        'x',
      ],
    ];
    const values = ['true', '1', '0', '', KEY, ZEROS, '10.0.0.1/32', '-10.0.0.1/32', '::/0', '1.2.3.4:5', 'é', '65536'];
    const line = fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values)).map(([k, v]) => `${k}=${v}`);
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 12 }), { maxLength: 4 }), (transactions) => {
        const text = transactions.map((lines) => ['set=1', ...lines, '', ''].join('\n')).join('');
        const requests = read(text);
        expect(requests).toHaveLength(transactions.length);
        for (const request of requests) {
          if (request.kind === 'invalid') expect(request).toMatchObject({ operation: 'set', connection: 'goes-on' });
        }
      }),
    );
  });
});

describe('the fields of the device', () => {
  it('are all read', () => {
    const change = changeOf(`private_key=${PRIVATE}`, 'listen_port=51820', 'fwmark=4294967295', 'replace_peers=true');
    expect(encodeHex((change.privateKey as Secret).expose())).toBe(PRIVATE);
    expect(change).toMatchObject({ listenPort: 51820, firewallMark: 0xffffffff, replacePeers: true, peers: [] });
  });

  it('are left as they are when they are left out', () => {
    expect(changeOf()).toEqual({ replacePeers: false, peers: [] });
  });

  it('take an all-zero private key, a mark of 0 and an empty mark as none', () => {
    expect(changeOf(`private_key=${ZEROS}`)).toMatchObject({ privateKey: 'none' });
    expect(changeOf('fwmark=0')).toMatchObject({ firewallMark: 0 });
    expect(changeOf('fwmark=')).toMatchObject({ firewallMark: 0 });
  });

  it.each([
    'private_key=',
    `private_key=${PRIVATE}0`,
    `private_key=${PRIVATE.slice(1)}g`,
    'listen_port=65536',
    'listen_port=-1',
    'listen_port=0x10',
    'listen_port=',
    'fwmark=4294967296',
    'replace_peers=false',
    'replace_peers=',
    'endpoint=192.0.2.1:1',
    'errno=0',
  ])('refuse %s', (line) => {
    expect(readSet(line)).toMatchObject({ kind: 'invalid', operation: 'set', errno: UapiErrno.EINVAL });
  });

  it('refuse a line without a key or a value', () => {
    for (const line of ['listen_port', '=5', 'listen port\u00a0=1']) {
      expect(readSet(line)).toMatchObject({ kind: 'invalid', operation: 'set', errno: UapiErrno.EPROTO });
    }
  });

  it('name a refused key in the detail and never its value', () => {
    expect(readSet(`private_key=${PRIVATE}00`)).toMatchObject({ detail: 'refused: private_key' });
  });
});

describe('the fields of a peer', () => {
  it('are all read', () => {
    const peer = peerOf(
      `preshared_key=${PRIVATE}`,
      'endpoint=[2001:db8::1]:51820',
      'persistent_keepalive_interval=25',
      'replace_allowed_ips=true',
      'allowed_ip=10.1.2.3/16',
      'allowed_ip=-fd00::/64',
      'protocol_version=1',
    );
    expect(peer).toMatchObject({ kind: 'upsert', persistentKeepalive: seconds(25), replaceAllowedIps: true });
    expect(encodeHex(peer.publicKey)).toBe(KEY);
    expect(encodeHex((peer.presharedKey as Secret).expose())).toBe(PRIVATE);
    expect(formatEndpoint(peer.endpoint!)).toBe('[2001:db8::1]:51820');
    expect(peer.allowedIps.map(({ kind, prefix }) => `${kind} ${formatIpPrefix(prefix)}`)).toEqual([
      'add 10.1.0.0/16',
      'remove fd00::/64',
    ]);
  });

  it('are left as they are when they are left out', () => {
    expect(peerOf()).toEqual({
      kind: 'upsert',
      publicKey: publicKeyFromBytes(peerOf().publicKey),
      replaceAllowedIps: false,
      allowedIps: [],
    });
  });

  it('tell removal and update apart from adding', () => {
    expect(changeOf(`public_key=${KEY}`, 'remove=true').peers).toMatchObject([{ kind: 'remove' }]);
    expect(changeOf(`public_key=${KEY}`, 'update_only=true').peers).toMatchObject([{ kind: 'update' }]);
    expect(changeOf(`public_key=${KEY}`, 'update_only=true', 'remove=true').peers).toMatchObject([{ kind: 'remove' }]);
    expect(changeOf(`public_key=${KEY}`, 'remove=true', 'update_only=true').peers).toMatchObject([{ kind: 'remove' }]);
  });

  it('drop allowed IPs that come before the replacement', () => {
    const peer = peerOf('allowed_ip=10.0.0.1/32', 'replace_allowed_ips=true', 'allowed_ip=10.0.0.2/32');
    expect(peer.allowedIps.map(({ prefix }) => formatIpPrefix(prefix))).toEqual(['10.0.0.2/32']);
  });

  it('take an all-zero preshared key as none', () => {
    expect(peerOf(`preshared_key=${ZEROS}`).presharedKey).toBe('none');
  });

  it('belong to the public key before them', () => {
    const other = KEY.replace('b8', 'b9');
    const { peers } = changeOf(`public_key=${KEY}`, 'allowed_ip=10.0.0.1/32', `public_key=${other}`, 'remove=true');
    expect(peers.map(({ kind, publicKey }) => `${kind} ${encodeHex(publicKey)}`)).toEqual([
      `upsert ${KEY}`,
      `remove ${other}`,
    ]);
  });

  it('of a key of low order are read and mean nothing', () => {
    const { peers } = changeOf(`public_key=${ZEROS}`, 'allowed_ip=10.0.0.1/32', `public_key=${KEY}`);
    expect(peers).toHaveLength(1);
    expect(encodeHex(peers[0]!.publicKey)).toBe(KEY);
  });

  it('may have an endpoint with a zone where zones are known', () => {
    const set = (line: string): UapiRequest[] =>
      read(
        `set=1\npublic_key=${KEY}\n${line}\n\n`,
        new RequestReader({ zoneNumber: (zone) => (zone === 'eth0' ? 7 : undefined) }),
      );
    expect(set('endpoint=[fe80::1%eth0]:51820')).toMatchObject([
      { kind: 'set', change: { peers: [{ endpoint: { port: 51820, zone: 7 } }] } },
    ]);
    expect(set('endpoint=[fe80::1%eth1]:51820')).toMatchObject([{ kind: 'invalid', errno: UapiErrno.EINVAL }]);
  });

  it.each([
    'public_key=abc',
    'remove=false',
    'update_only=1',
    'endpoint=192.0.2.1',
    'endpoint=192.0.2.1:0',
    'endpoint=example.org:51820',
    'endpoint=[fe80::1%eth0]:51820',
    'persistent_keepalive_interval=65536',
    'persistent_keepalive_interval=off',
    'replace_allowed_ips=yes',
    'allowed_ip=10.0.0.1',
    'allowed_ip=10.0.0.1/33',
    'allowed_ip=--10.0.0.1/32',
    'protocol_version=2',
    'preshared_key=00',
    'private_key=00',
    'listen_port=1',
    'rx_bytes=0',
  ])('refuse %s', (line) => {
    expect(readSet(`public_key=${KEY}`, line)).toMatchObject({ kind: 'invalid', errno: UapiErrno.EINVAL });
  });

  it('survive a round trip for all addresses and lengths', () => {
    const prefix = fc.oneof(
      fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => `${address}/${length}`),
      fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, length]) => `${address}/${length}`),
    );
    fc.assert(
      fc.property(prefix, fc.integer({ min: 1, max: 65535 }), fc.ipV4(), (text, port, host) => {
        const parsed = parseIpPrefix(text);
        fc.pre(parsed !== undefined);
        const peer = peerOf(`allowed_ip=${text}`, `endpoint=${host}:${port}`);
        expect(peer.allowedIps).toEqual([{ kind: 'add', prefix: parsed }]);
        expect(peer.endpoint).toEqual(parseEndpoint(`${host}:${port}`));
      }),
    );
  });
});

describe('secrets', () => {
  it('of a request that is refused are zeroed', () => {
    const builder = new ChangeBuilder();
    builder.add('private_key', encodeUtf8(PRIVATE));
    builder.add('public_key', encodeUtf8(KEY));
    builder.add('preshared_key', encodeUtf8(PRIVATE));
    const { privateKey, peers } = builder.finish();
    builder.discard();
    expect((privateKey as Secret).expose()).toEqual(new Uint8Array(32));
    const [peer] = peers;
    if (peer?.kind !== 'upsert') throw new Error('not a peer that stays');
    expect((peer.presharedKey as Secret).expose()).toEqual(new Uint8Array(32));
  });

  it('of a request that was handed over outlive the connection', () => {
    const reader = new RequestReader();
    const [request] = read(`set=1\nprivate_key=${PRIVATE}\n\n`, reader) as [Extract<UapiRequest, { kind: 'set' }>];
    reader.end();
    expect(encodeHex((request.change.privateKey as Secret).expose())).toBe(PRIVATE);
  });

  it('never show in what a request prints', () => {
    const change = changeOf(`private_key=${PRIVATE}`, `public_key=${KEY}`, `preshared_key=${PRIVATE}`);
    expect(JSON.stringify(change)).not.toContain(PRIVATE);
    expect(String(change.privateKey)).toBe('[secret]');
  });
});

// Answers as `wg` reads them.

import { decodeUtf8, parseEndpoint, parseIpPrefix, publicKeyFromBytes, Secret, seconds } from '@shadownet/primitives';
import { describe, expect, it } from 'vitest';
import { encodeErrnoAnswer, encodeGetAnswer, type UapiPeer } from './uapi-answer.js';
import { UapiErrno } from './uapi-errno.js';

const peer: UapiPeer = {
  publicKey: publicKeyFromBytes(new Uint8Array(32).fill(0x42))!,
  presharedKey: Secret.own(new Uint8Array(32)),
  endpoint: parseEndpoint('[2001:db8::1]:51820'),
  lastHandshakeNanoseconds: 1_767_225_600_012_345_678n,
  txBytes: 2 ** 40,
  rxBytes: 7,
  persistentKeepalive: seconds(25),
  allowedIps: [parseIpPrefix('10.0.0.0/8')!, parseIpPrefix('fd00::/64')!],
};

function text(bytes: Uint8Array): string {
  return decodeUtf8(bytes)!;
}

describe('the answer to a get', () => {
  it('has every field in the order of the specification', () => {
    const privateKey = Secret.own(new Uint8Array(32).fill(0xab));
    const answer = encodeGetAnswer({ privateKey, listenPort: 51820, firewallMark: 51, peers: [peer] });
    expect(text(answer)).toBe(
      [
        `private_key=${'ab'.repeat(32)}`,
        'listen_port=51820',
        'fwmark=51',
        `public_key=${'42'.repeat(32)}`,
        `preshared_key=${'00'.repeat(32)}`,
        'protocol_version=1',
        'endpoint=[2001:db8::1]:51820',
        'last_handshake_time_sec=1767225600',
        'last_handshake_time_nsec=12345678',
        'tx_bytes=1099511627776',
        'rx_bytes=7',
        'persistent_keepalive_interval=25',
        'allowed_ip=10.0.0.0/8',
        'allowed_ip=fd00::/64',
        'errno=0',
        '',
        '',
      ].join('\n'),
    );
  });

  it('leaves out what is not there', () => {
    const answer = encodeGetAnswer({ privateKey: undefined, listenPort: 0, firewallMark: 0, peers: [] });
    expect(text(answer)).toBe('errno=0\n\n');
    const unknown = { ...peer, endpoint: undefined, lastHandshakeNanoseconds: 0n, allowedIps: [] };
    const withPeer = encodeGetAnswer({ privateKey: undefined, listenPort: 0, firewallMark: 0, peers: [unknown] });
    expect(text(withPeer)).not.toContain('endpoint');
    expect(text(withPeer)).toContain('last_handshake_time_sec=0\nlast_handshake_time_nsec=0\n');
  });

  it('holds ten thousand allowed IPs', () => {
    const allowedIps = Array.from({ length: 10_000 }, (_, i) => parseIpPrefix(`10.${i >> 8}.${i & 255}.0/24`)!);
    const peers = [{ ...peer, allowedIps }];
    const answer = text(encodeGetAnswer({ privateKey: undefined, listenPort: 0, firewallMark: 0, peers }));
    expect(answer.match(/allowed_ip=/g)).toHaveLength(10_000);
    expect(answer.endsWith('allowed_ip=10.39.15.0/24\nerrno=0\n\n')).toBe(true);
  });
});

describe('errno', () => {
  it('is positive for a get and negative for a set', () => {
    expect(text(encodeErrnoAnswer('get', UapiErrno.EPROTO))).toBe('errno=71\n\n');
    expect(text(encodeErrnoAnswer('set', UapiErrno.EADDRINUSE))).toBe('errno=-98\n\n');
    expect(text(encodeErrnoAnswer('set', 0))).toBe('errno=0\n\n');
  });
});

import { generatePrivateKey, nodeCrypto } from '@shadownet/crypto';
import {
  encodeHex,
  encodePublicKey,
  encodeUtf8,
  parseIpAddress,
  publicKeyFromBytes,
  Secret,
} from '@shadownet/primitives';
import { Tunnel } from '@shadownet/tunnel';
import { MemoryUdpNetwork } from '@shadownet/udp';
import { encodeGetAnswer, RequestReader, Tai64nSource, UapiErrno } from '@shadownet/wireguard';
import { beforeEach, describe, expect, it } from 'vitest';
import { monotonicNow, secureRandom } from './clock.js';
import { MeshDevice } from './mesh-device.js';

const PRIVATE_KEY = generatePrivateKey(secureRandom);
const PEER = publicKeyFromBytes(nodeCrypto.privateKey(generatePrivateKey(secureRandom)).publicKey)!;
const PEER_HEX = encodeHex(PEER);
const KEY_HEX = 'ab'.repeat(32);

describe('the device that a node shows to wg', () => {
  let device: MeshDevice;
  beforeEach(async () => {
    const timestamps = new Tai64nSource({ wallNanoseconds: () => 1n, lastReserved: 0n, reserve: () => {} });
    const privateKey = Secret.copy(PRIVATE_KEY);
    const random = secureRandom;
    const tunnel = new Tunnel(
      { crypto: nodeCrypto, random, timestamps, privateKey, firstProbeCounter: 1n },
      monotonicNow(),
    );
    const peer = {
      id: 'b',
      public_key: encodePublicKey(PEER),
      virtual_ip: '10.100.0.2',
      endpoint: null,
      candidates: [],
      hostname: 'b',
      os: 'Linux',
      allowed_ips: ['10.100.0.2/32'],
      online: true,
      last_heartbeat: null,
    };
    const map = { map_version: { epoch: 1, sequence: 1 }, network_cidr: '10.100.0.0/16', peers: [peer] };
    tunnel.updateNetworkMap(map, monotonicNow(), { datagram: () => {}, packet: () => {} });
    device = new MeshDevice(
      tunnel,
      await new MemoryUdpNetwork().open([parseIpAddress('192.0.2.1')!], { port: 51_820 }),
    );
  });

  const answer = (): string => Buffer.from(encodeGetAnswer(device.describe())).toString();

  /** The errno of a `set` with these lines. */
  function set(...lines: readonly string[]): UapiErrno | 0 {
    const [request] = new RequestReader().push(encodeUtf8(`set=1\n${lines.map((line) => `${line}\n`).join('')}\n`));
    if (request?.kind !== 'set') throw new Error(`not a valid set: ${lines.join()}`);
    return device.apply(request.change);
  }

  it('has port and peers, and no secret', () => {
    expect(answer()).toBe(
      [
        'listen_port=51820',
        `public_key=${PEER_HEX}`,
        `preshared_key=${'0'.repeat(64)}`,
        'protocol_version=1',
        'last_handshake_time_sec=0',
        'last_handshake_time_nsec=0',
        'tx_bytes=0',
        'rx_bytes=0',
        'persistent_keepalive_interval=0',
        'allowed_ip=10.100.0.2/32',
        'errno=0\n\n',
      ].join('\n'),
    );
  });

  it.each([
    [[`private_key=${KEY_HEX}`]],
    [[`private_key=${'0'.repeat(64)}`]],
    [['listen_port=0']],
    [['fwmark=0']],
    [['replace_peers=true']],
    [[`public_key=${KEY_HEX}`]],
    [[`public_key=${PEER_HEX}`, 'remove=true']],
    [[`public_key=${PEER_HEX}`, 'update_only=true', 'endpoint=203.0.113.1:1']],
    [[`public_key=${PEER_HEX}`, `preshared_key=${KEY_HEX}`]],
    [[`public_key=${PEER_HEX}`, 'persistent_keepalive_interval=25']],
    [[`public_key=${PEER_HEX}`, 'replace_allowed_ips=true', 'allowed_ip=0.0.0.0/0']],
  ])('refuses %j, and stays as it is', (lines) => {
    const before = answer();
    expect(set(...lines)).toBe(UapiErrno.EPERM);
    expect(answer()).toBe(before);
  });

  it('grants what asks for nothing', () => {
    expect(set()).toBe(0);
  });
});

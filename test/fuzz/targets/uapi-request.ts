// What a client writes to the configuration socket, in pieces of any size: the same requests come out however it is cut, and a
// device that was set by them describes itself in words that it takes back.
import { nodeCrypto } from '@shadownet/crypto';
import { formatEndpoint, formatIpPrefix, instant, publicKeyFromBytes } from '@shadownet/primitives';
import { type SeededRandom } from '@shadownet/testlab';
import {
  applyPeerChanges,
  checkPeerChanges,
  describePeers,
  Device,
  type DeviceChange,
  discardChange,
  encodeErrnoAnswer,
  encodeGetAnswer,
  RequestReader,
  Tai64nSource,
  type UapiRequest,
} from '@shadownet/wireguard';
import type { FuzzTarget } from '../fuzz-target.js';
import { Outbox } from './wireguard-pair.js';

const NOW = instant(1000);
const MAX_PEERS = 64;
const MAX_ERRNO_ANSWER = 16;

export const uapiRequest: FuzzTarget = {
  name: 'uapi-request',
  inputs: 6000,
  maxLength: 4000,
  start(random) {
    let device = newDevice(random);
    return {
      examples: () => [],
      feed(input) {
        const [whole, pieces] = [readWhole(input), readInPieces(input, random)];
        if (JSON.stringify(whole.map(asText)) !== JSON.stringify(pieces.map(asText))) {
          throw new Error('other requests when cut in other places');
        }
        const ends = input.filter((byte, i) => byte === 0x0a && (i === 0 || input[i - 1] === 0x0a)).length;
        if (whole.length > ends + 1) throw new Error('more requests than empty lines');
        for (const request of whole) take(device, request);
        for (const request of pieces) if (request.kind === 'set') discardChange(request.change);
        if (device.peerCount > MAX_PEERS) throw new Error('more peers than the device was made for');
        requireStableDescription(device);
        // A full device refuses everything, which would teach nothing more.
        if (device.peerCount > MAX_PEERS - 4) device = newDevice(random);
      },
    };
  },
};

function newDevice(random: SeededRandom): Device {
  const timestamps = new Tai64nSource({ wallNanoseconds: () => 1n, lastReserved: 0n, reserve: () => {} });
  return new Device({
    crypto: nodeCrypto,
    random: random.bytes,
    timestamps,
    endpoints: 'roaming',
    maxPeers: MAX_PEERS,
  });
}

function readWhole(input: Uint8Array): UapiRequest[] {
  const reader = new RequestReader();
  const requests = reader.push(input);
  reader.end();
  return requests;
}

function readInPieces(input: Uint8Array, random: SeededRandom): UapiRequest[] {
  const reader = new RequestReader();
  const requests: UapiRequest[] = [];
  for (let at = 0; at < input.length;) {
    const length = random.integer(1, 80);
    requests.push(...reader.push(input.subarray(at, at + length)));
    at += length;
  }
  reader.end();
  return requests;
}

function take(device: Device, request: UapiRequest): void {
  switch (request.kind) {
    case 'get':
      return;
    case 'invalid':
      if (encodeErrnoAnswer(request.operation, request.errno).length > MAX_ERRNO_ANSWER)
        throw new Error('a long answer');
      return;
    case 'set': {
      const out = new Outbox();
      if (checkPeerChanges(device, request.change) === 0) {
        applyPeerChanges(device, request.change, undefined, NOW, out);
      }
      if (out.take().datagrams.length > 0) throw new Error('a device without a private key sent something');
      discardChange(request.change);
    }
  }
}

/** What `get` shows is a `set` that changes nothing. */
function requireStableDescription(device: Device): void {
  const text = describe(device);
  const lines = text.split('\n').filter((line) => !/^(errno|last_handshake|tx_bytes|rx_bytes)/.test(line));
  const peers = lines.join('\n').replace(/^(public_key=.*)$/gm, '$1\nreplace_allowed_ips=true');
  const [request, ...more] = readWhole(new TextEncoder().encode(`set=1\nreplace_peers=true\n${peers.trimEnd()}\n\n`));
  if (request?.kind !== 'set' || more.length > 0) throw new Error(`it does not take back what it shows:\n${text}`);
  const twin = newTwin();
  applyPeerChanges(twin, request.change, undefined, NOW, new Outbox());
  const [shown, expected] = [describe(twin), text];
  if (shown !== expected) throw new Error(`it shows other peers when set again:\n${expected}\n--- and then\n${shown}`);
}

function newTwin(): Device {
  return newDevice({ bytes: (length: number) => new Uint8Array(length) } as SeededRandom);
}

function describe(device: Device): string {
  const peers = describePeers(device, () => 0n);
  const bytes = encodeGetAnswer({ privateKey: undefined, listenPort: 0, firewallMark: 0, peers });
  return new TextDecoder().decode(bytes);
}

function asText(request: UapiRequest): unknown {
  return request.kind === 'set' ? changeAsText(request.change) : request;
}

function changeAsText({ privateKey, listenPort, firewallMark, replacePeers, peers }: DeviceChange): unknown {
  return {
    privateKey: privateKey === undefined || privateKey === 'none' ? privateKey : [...privateKey.expose()],
    listenPort,
    firewallMark,
    replacePeers,
    peers: peers.map((peer) => {
      const publicKey = [...peer.publicKey];
      if (!publicKeyFromBytes(peer.publicKey)) throw new Error('a key of low order became a peer');
      if (peer.kind === 'remove') return { kind: peer.kind, publicKey };
      const { kind, presharedKey, endpoint, persistentKeepalive, replaceAllowedIps, allowedIps } = peer;
      return {
        ...{ kind, publicKey, persistentKeepalive, replaceAllowedIps },
        presharedKey: presharedKey === undefined || presharedKey === 'none' ? presharedKey : [...presharedKey.expose()],
        endpoint: endpoint && formatEndpoint(endpoint),
        allowedIps: allowedIps.map(({ kind: change, prefix }) => `${change} ${formatIpPrefix(prefix)}`),
      };
    }),
  };
}

import { nodeCrypto } from '@shadownet/crypto';
import { concatBytes, encodeUtf8, parseEndpoint, udpPath } from '@shadownet/primitives';
import { beforeEach, describe, expect, it } from 'vitest';
import { MacChecker } from './handshake/cookie.js';
import { type SimulatedHost, SimulatedNetwork } from './simulated-network.js';

const ELSEWHERE = udpPath(parseEndpoint('198.51.100.9:9999')!);

let network: SimulatedNetwork;
let bob: SimulatedHost;
beforeEach(() => {
  network = new SimulatedNetwork(nodeCrypto);
  bob = network.host({ endpoint: '192.0.2.2:2000' });
});

/** Of an initiation, but for its MACs and all that is sealed. */
function nonsense(): Uint8Array {
  const message = new Uint8Array(148).fill(7);
  message.set([1, 0, 0, 0]);
  return message;
}

describe('a handshake message that a receive worker has checked', () => {
  it('is processed without another look at its mac1, and only that one', () => {
    expect(bob.receive(nonsense(), ELSEWHERE)).toMatchObject({ reason: 'invalid-mac1' });
    bob.device.whileAdmitted('process', () => bob.receive(nonsense(), ELSEWHERE));
    expect(bob.results.at(-1)).toMatchObject({ reason: 'invalid-handshake' });
    expect(bob.receive(nonsense(), ELSEWHERE)).toMatchObject({ reason: 'invalid-mac1' });
  });

  it('is answered with a cookie if the worker says so', () => {
    bob.device.whileAdmitted('send-cookie', () => bob.receive(nonsense(), ELSEWHERE));
    expect(bob.results.at(-1)).toMatchObject({ reason: 'under-load' });
    expect(network.sent.map(({ bytes }) => [bytes[0], bytes.length])).toEqual([[3, 64]]);
  });
});

describe('the keys for receive workers', () => {
  it('are told once, and again when the private key changes', () => {
    const first = bob.device.takeHandshakeKeys()!.keys!;
    const expected = nodeCrypto.blake2s(concatBytes(encodeUtf8('mac1----'), bob.publicKey), 32);
    expect(first.mac1).toEqual(expected);
    expect(bob.device.takeHandshakeKeys()).toBeUndefined();

    bob.device.setPrivateKey(new Uint8Array(32).fill(3), network.now);
    expect(bob.device.takeHandshakeKeys()!.keys!.mac1).not.toEqual(expected);
    bob.device.clearPrivateKey();
    expect(bob.device.takeHandshakeKeys()).toEqual({ keys: undefined });
    expect(first.cookieMaster).toEqual(new Uint8Array(32));
  });

  it('let a worker know the cookies that the device gives out', () => {
    const keys = bob.device.takeHandshakeKeys()!.keys!;
    const [one, other] = [new MacChecker(nodeCrypto, keys), new MacChecker(nodeCrypto, keys)];
    const from = parseEndpoint('192.0.2.1:1000')!;
    expect(one.cookieFor(from, network.now)).toEqual(other.cookieFor(from, network.now));
  });
});

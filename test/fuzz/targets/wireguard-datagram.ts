// What the network brings to an engine that has a session: genuine messages of all types that were changed, repeated, cut.
import { nodeCrypto } from '@shadownet/crypto';
import { concatBytes, encodeUtf8, parseEndpoint, pathsEqual, type PublicKey, udpPath } from '@shadownet/primitives';
import { type SeededRandom } from '@shadownet/testlab';
import { isWireGuardMessage } from '@shadownet/wireguard';
import type { FuzzTarget } from '../fuzz-target.js';
import { ALICE_PATH, WireGuardPair } from './wireguard-pair.js';

const STRANGER = udpPath(parseEndpoint('[2001:db8::bad]:666')!);
const COOKIE_REPLY_LENGTH = 64;
const MAC_LENGTH = 16;
/** By type. */
const LENGTHS: Readonly<Record<number, number>> = { 1: 148, 2: 92, 3: COOKIE_REPLY_LENGTH };

export const wireguardDatagram: FuzzTarget = {
  name: 'wireguard-datagram',
  inputs: 20_000,
  maxLength: 2000,
  start(random) {
    const pair = new WireGuardPair(random);
    const genuine = pair.handshake();
    pair.alice.handlePacket(packetToBob(), pair.now, pair.fromAlice);
    genuine.push(...pair.fromAlice.take().datagrams);
    genuine.push(...pair.handshake());
    let fed = 0;
    const handled = () => Object.values(pair.bob.counters).reduce((sum, count) => sum + count, 0);
    const handledBefore = handled();
    let accepted = 0;
    return {
      examples: () => genuine,
      feed(mutated) {
        const input = repair(mutated, pair.bob.publicKey!, random);
        pair.pass(random.integer(0, 10));
        pair.fromBob.take();
        fed++;
        const before = pair.bob.peerStatus(pair.alice.publicKey!)!;
        const result = pair.toBob(input, STRANGER);
        const { datagrams, packets } = pair.fromBob.take();
        const answered = datagrams.reduce((sum, { length }) => sum + length, 0);
        if (result.ok) {
          // The one genuine message that was not delivered before: the packet, which may have come through unchanged.
          accepted++;
          if (accepted > 1) throw new Error('a message was accepted twice');
          pair.bob.setPeerPath(pair.alice.publicKey!, ALICE_PATH, pair.now, pair.fromBob);
          return;
        }
        if (result.reason === 'malformed-message' && isWireGuardMessage(input))
          throw new Error('well-formed after all');
        if (packets.length > 0) throw new Error('a packet came out of a refused datagram');
        const mayAsk = result.reason === 'under-load';
        if (answered > (mayAsk ? COOKIE_REPLY_LENGTH : 0)) throw new Error(`${String(answered)} bytes of answer`);
        const after = pair.bob.peerStatus(pair.alice.publicKey!)!;
        if (!pathsEqual(after.path!, before.path!)) throw new Error('a refused datagram moved the peer');
        if (after.rxBytes !== before.rxBytes) throw new Error('a refused datagram was counted as received');
        if (handled() - handledBefore !== fed - accepted) throw new Error('a refused datagram was not counted once');
      },
      finish() {
        pair.handshake();
        pair.alice.handlePacket(packetToBob(), pair.now, pair.fromAlice);
        for (const datagram of pair.fromAlice.take().datagrams) pair.toBob(datagram);
        if (pair.fromBob.take().packets.length !== 1) throw new Error('the tunnel does not work any more');
      },
    };
  },
};

/** Lets half of all inputs through the first checks, which anyone can pass who knows the public key: length and mac1. */
function repair(input: Uint8Array, publicKey: PublicKey, random: SeededRandom): Uint8Array {
  const length = LENGTHS[input[0] ?? 0];
  if (length === undefined || random.integer(0, 1) === 0) return input;
  const repaired = new Uint8Array(length);
  repaired.set(input.subarray(0, length));
  repaired.fill(0, 1, 4);
  if (length === COOKIE_REPLY_LENGTH) return repaired;
  const key = nodeCrypto.blake2s(concatBytes(encodeUtf8('mac1----'), publicKey), 32);
  const covered = length - 2 * MAC_LENGTH;
  repaired.set(nodeCrypto.blake2s(repaired.subarray(0, covered), MAC_LENGTH, key), covered);
  return repaired;
}

function packetToBob(): Uint8Array {
  return Uint8Array.from([0x45, 0, 0, 24, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 3, 4]);
}

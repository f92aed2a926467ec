// What a genuine peer puts into its tunnel, and what the host's own interface hands to the engine: anything that claims to be IP.
import { nodeCrypto } from '@shadownet/crypto';
import { parseInnerPacket } from '@shadownet/wireguard';
import type { FuzzTarget } from '../fuzz-target.js';
import { WireGuardPair } from './wireguard-pair.js';

const HEADER_LENGTH = 16;
const TAG_LENGTH = 16;
const NO_DATA = new Uint8Array(0);

const FROM_ALICE_V4 = '45000020 00004000 40110000 0a000001 0a000002 1f90 1f91 000c 0000 01020304';
const FROM_ALICE_V6 = `60000000 000c 11 40 fd${'00'.repeat(14)}01 fd${'00'.repeat(14)}02 1f90 1f91 000c 0000 01020304`;

export const innerPacket: FuzzTarget = {
  name: 'inner-packet',
  inputs: 12_000,
  maxLength: 9000,
  start(random) {
    const pair = new WireGuardPair(random);
    pair.handshake();
    return {
      examples: () => [hex(FROM_ALICE_V4), hex(FROM_ALICE_V6)],
      feed(input) {
        pair.pass(random.integer(0, 20));
        if (pair.alice.peerStatus(pair.bob.publicKey!)!.session !== 'established') pair.handshake();
        pair.fromAlice.take();
        pair.fromBob.take();

        const result = pair.toBob(sealAsAlice(pair, input));
        const { packets } = pair.fromBob.take();
        const inner = parseInnerPacket(input);
        if (!result.ok) {
          if (packets.length > 0) throw new Error('a packet came out of a refused datagram');
          if (result.reason === 'malformed-packet' && inner) throw new Error('well-formed after all');
        } else if (result.kind === 'data') {
          const [packet] = packets;
          if (!inner || packets.length !== 1) throw new Error('delivered what is no packet');
          if (Buffer.compare(packet!, input.subarray(0, inner.length)) !== 0) throw new Error('delivered other bytes');
          if (!isFromAlice(packet!)) throw new Error('delivered a packet with a source that alice does not have');
        }

        pair.bob.handlePacket(input, pair.now, pair.fromBob);
        const sent = pair.fromBob.take();
        if (sent.packets.length > 0) throw new Error("the host's own packet came back");
        if (sent.datagrams.length > 2) throw new Error('more than a packet and an initiation');
      },
    };
  },
};

/** What alice's engine would refuse to seal, sealed with her session. */
function sealAsAlice({ alice }: WireGuardPair, packet: Uint8Array): Uint8Array {
  const table = alice.sessionTable;
  const session = Array.from({ length: table.slots }, (_, slot) => table.liveSession(slot)).find(
    (candidate) => candidate && table.state(candidate) === 'current',
  )!;
  const counter = table.reserveCounters(session, 1)!;
  const message = new Uint8Array(HEADER_LENGTH + packet.length + TAG_LENGTH);
  const view = new DataView(message.buffer);
  view.setUint32(0, 4, true);
  view.setUint32(4, table.remoteIndex(session), true);
  view.setBigUint64(8, counter, true);
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, counter, true);
  nodeCrypto.seal(table.sendKey(session), nonce, packet, NO_DATA, message.subarray(HEADER_LENGTH));
  return message;
}

function isFromAlice(packet: Uint8Array): boolean {
  const source = packet[0]! >> 4 === 4 ? packet.subarray(12, 16) : packet.subarray(8, 24);
  const text = Buffer.from(source).toString('hex');
  return text === '0a000001' || text === `fd${'00'.repeat(14)}01`;
}

function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'));
}

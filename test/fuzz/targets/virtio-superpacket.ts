// What is read from an offloading TUN: a virtio header and a packet of up to 64 KB to be cut. The kernel means well, and still:
// nothing outside of the bytes that were read is touched, and the pieces lie inside of them.
import { SuperpacketCutter } from '../../../libs/dataplane/src/superpacket-cutter.js';
import type { FuzzTarget } from '../fuzz-target.js';
import { tcpSuperpacket, udpSuperpacket } from './ip-packets.js';

const VIRTIO_HEADER_LENGTH = 10;
const GUARD = 0xa5;
const GUARD_LENGTH = 512;
const MAX_LENGTH = 4000;

export const virtioSuperpacket: FuzzTarget = {
  name: 'virtio-superpacket',
  inputs: 20_000,
  maxLength: MAX_LENGTH,
  start() {
    const memory = new Uint8Array(GUARD_LENGTH + MAX_LENGTH + GUARD_LENGTH);
    const cutter = new SuperpacketCutter(memory);
    return {
      examples: () => [tcpSuperpacket(4), tcpSuperpacket(6), udpSuperpacket(4), udpSuperpacket(6)],
      feed(input) {
        if (input.length <= VIRTIO_HEADER_LENGTH) return;
        memory.fill(GUARD);
        memory.set(input, GUARD_LENGTH);
        const end = GUARD_LENGTH + input.length;
        const first = GUARD_LENGTH + VIRTIO_HEADER_LENGTH;
        const count = cutter.begin(GUARD_LENGTH, end);
        if (count > input.length) throw new Error(`${String(count)} packets of ${String(input.length)} bytes`);
        let reached = first;
        for (let i = 0; i < count; i++) {
          cutter.next();
          if (cutter.at < first || cutter.at + cutter.length > end) throw new Error('a packet beyond what was read');
          if (cutter.at + cutter.length <= reached) throw new Error('a packet without anything new in it');
          reached = cutter.at + cutter.length;
        }
        if (count > 0 && reached !== end) throw new Error('the end was left out');
        const isIntact = (from: number, to: number): boolean =>
          memory.subarray(from, to).every((byte) => byte === GUARD);
        if (!isIntact(0, GUARD_LENGTH) || !isIntact(end, memory.length))
          throw new Error('it wrote beyond what was read');
      },
    };
  },
};
